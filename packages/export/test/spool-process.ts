// Appends batches to a spool until it is killed: `tsx spool-process.ts FOLDER COUNT`. Prints a line when COUNT are in it.
import { Diagnostics } from '@forge/core';
import { makeSpan } from '@forge/testing';
import { createFileSpool } from '../src/file-spool/file-spool.ts';
import { textCodec } from './text-codec.ts';

const [folder = '', count = '1'] = process.argv.slice(2);
const spool = createFileSpool({
  folder,
  codec: textCodec,
  diagnostics: new Diagnostics(() => undefined),
  segmentBytes: 4096,
});
for (let i = 0; i < Number(count); i++) await spool.append([makeSpan({ name: `${process.pid}-${i}` })]);
process.stdout.write('ready\n');
setInterval(() => undefined, 1000);
