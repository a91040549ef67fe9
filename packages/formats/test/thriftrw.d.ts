declare module 'thriftrw' {
  export class Thrift {
    constructor(options: { source: string; strict?: boolean; allowOptionalArguments?: boolean });
    readonly models: Readonly<Record<string, { readonly rw: object }>>;
  }
}
declare module 'bufrw' {
  export function fromBuffer(rw: object, bytes: Buffer): unknown;
  export function toBuffer(rw: object, value: unknown): Buffer;
}
