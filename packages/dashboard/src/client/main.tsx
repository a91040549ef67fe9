import './styles/theme.css';
import './styles/base.css';
import { render } from 'preact';
import { App } from './app/app.tsx';
import { listenForKeys } from './app/keys.ts';
import { followLinks, place } from './app/location.ts';
import { allowOwnWorkers } from './app/trusted-types.ts';
import { startTraceWorker } from './app/trace-worker.ts';

allowOwnWorkers();
// The worker loads beside the page's own code, not after it.
if (place.peek().path.startsWith('traces/')) startTraceWorker();
followLinks();
listenForKeys();
render(<App />, document.getElementById('app')!);
