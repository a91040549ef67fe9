import { createDashboardHandler } from '@forge/dashboard';
import { createQueryHandler, type QueryHandler } from '@forge/query';
import { storeRequest } from '../api-client.ts';
import { writeJson, type CommandHost, type GlobalOptions } from '../command-host.ts';
import { integerOption } from '../search-options.ts';
import { startWebServer } from '../web-server.ts';

export interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
}

/** `forge serve`: the API and the viewer over the configured database, until Ctrl-C. */
export async function serve(host: CommandHost, options: ServeOptions, global: GlobalOptions): Promise<void> {
  const opened = await host.openStore(storeRequest(host, global));
  try {
    const { api, retention } = opened.settings;
    const port = options.port === undefined ? api.port : integerOption('--port', options.port, 0, 65_535);
    const address = options.host ?? api.host;
    await opened.prepare();
    const query = createQueryHandler({
      store: opened.store,
      onError: (error) => host.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`),
      ...(retention === undefined ? {} : { retention }),
      ...(api.readToken === undefined ? {} : { readToken: api.readToken }),
      ...(api.writeToken === undefined ? {} : { writeToken: api.writeToken }),
    });
    const server = await startWebServer(withViewer(query), address, port);
    if (global.json === true) writeJson(host, { url: server.url, database: opened.database });
    else host.stdout.write(`serving ${opened.database} on ${server.url} until Ctrl-C\n`);
    if (api.readToken === undefined && !/^(?:127\.|localhost$|::1$)/.test(address))
      host.stderr.write('warning: without observability.api.read_token only this machine is answered\n');
    try {
      await aborted(host.signal);
    } finally {
      await server.close();
    }
  } finally {
    await opened.close();
  }
}

/**
 * The API below `/_api`, Jaeger's query API below `/api` too, the viewer everywhere else. Some versions of Grafana's
 * Jaeger data source replace the path of the configured URL, so that API has to be at the root as well.
 */
function withViewer(query: QueryHandler): QueryHandler {
  const viewer = createDashboardHandler();
  return async (request, peer) => {
    const url = new URL(request.url);
    if (url.pathname.startsWith('/_api/')) return query(request, peer);
    if (url.pathname.startsWith('/api/')) {
      url.pathname = `/_api/jaeger${url.pathname}`;
      const { method, headers, signal } = request;
      // The Host header goes along: it is checked.
      return query(new Request(url, { method, headers, signal }), peer);
    }
    try {
      return await viewer(request);
    } catch (error) {
      return new Response(`${error instanceof Error ? error.message : String(error)}\n`, { status: 500 });
    }
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
