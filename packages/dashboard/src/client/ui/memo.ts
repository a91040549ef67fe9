import { Component, h, type ComponentType, type FunctionComponent, type VNode } from 'preact';

/** A component that is drawn anew only when a prop changes, or a signal that it read. */
export function memo<P extends object>(component: FunctionComponent<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      for (const key in next) if (next[key] !== this.props[key]) return true;
      return false;
    }
    override render(): VNode {
      return h(component, this.props) as VNode;
    }
  };
}
