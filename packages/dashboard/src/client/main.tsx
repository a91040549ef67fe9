import './app/trusted-types.ts';
import './styles/theme.css';
import './styles/base.css';
import { render } from 'preact';
import { App } from './app/app.tsx';
import { listenForKeys } from './app/keys.ts';
import { followLinks, place } from './app/location.ts';
import { startTraceWorker } from './app/trace-worker.ts';

// The worker loads beside the page's own code, not after it.
if (place.peek().path.startsWith('traces/')) startTraceWorker();
followLinks();
listenForKeys();
render(<App />, document.getElementById('app')!);
