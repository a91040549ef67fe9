import { ForgeError } from '@forge/core';
import { storeRequest } from '../api-client.ts';
import { writeJson, type CommandHost, type GlobalOptions } from '../command-host.ts';
import { CliErrors } from '../errors.ts';
import { loadRequested } from '../requested-config.ts';

/** `forge open [ID]`: the viewer in the browser, at a trace where one is named. Its address is printed anyway. */
export async function openViewer(host: CommandHost, id: string | undefined, global: GlobalOptions): Promise<void> {
  const base = global.url === undefined ? configuredUrl(host, global) : global.url.replace(/(?:\/_api)?\/?$/, '');
  const url = id === undefined ? `${base}/` : `${base}/traces/${encodeURIComponent(id)}`;
  const answer = await fetch(`${base}/`, { method: 'HEAD', signal: AbortSignal.timeout(5000) }).catch(() => undefined);
  if (answer === undefined)
    throw new ForgeError(
      CliErrors.api,
      `nothing listens on ${base}: start "forge serve" first, or name where it listens with --url`,
    );
  const hasOpened = await host.openBrowser(url);
  if (global.json === true) writeJson(host, { url, opened: hasOpened });
  else host.stdout.write(`${url}\n`);
}

function configuredUrl(host: CommandHost, global: GlobalOptions): string {
  const { api } = loadRequested(storeRequest(host, global)).config;
  const name = api.host === '0.0.0.0' || api.host === '::' ? 'localhost' : api.host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${api.port}`;
}
