import { useEffect, useState } from 'preact/hooks';
import { h, type FunctionComponent, type JSX } from 'preact';
import { Failure, Loading } from './states.tsx';

/** A component in a file of its own, loaded when it is first shown. */
export function lazy<P extends object>(load: () => Promise<FunctionComponent<P>>): FunctionComponent<P> {
  let loaded: FunctionComponent<P> | undefined;
  return function Lazy(props: P): JSX.Element {
    const [error, setError] = useState<unknown>(undefined);
    const [, setReady] = useState(loaded !== undefined);
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then((component) => {
        loaded = component;
        setReady(true);
      }, setError);
    }, []);
    if (loaded !== undefined) return h(loaded, props);
    return error === undefined ? <Loading /> : <Failure error={error} onRetry={() => location.reload()} />;
  };
}
