import { storeRequest } from '../api-client.ts';
import { writeJson, type CommandHost, type GlobalOptions } from '../command-host.ts';

/** `forge migrate`: brings the tables to this version. Safe while applications run, and from several places at once. */
export async function migrateDatabase(host: CommandHost, global: GlobalOptions): Promise<void> {
  const opened = await host.openStore(storeRequest(host, global));
  try {
    const report = await opened.migrate();
    if (global.json === true) {
      writeJson(host, { database: opened.database, ...report });
      return;
    }
    const where = `the schema of ${opened.database}`;
    if (report.applied.length === 0) host.stdout.write(`${where} is at version ${report.to}: nothing to do\n`);
    else host.stdout.write(`${where} went from version ${report.from} to ${report.to}: ${report.applied.join(', ')}\n`);
  } finally {
    await opened.close();
  }
}
