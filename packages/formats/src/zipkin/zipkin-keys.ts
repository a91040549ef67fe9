/** Tags for what only Zipkin has: written by its decoder, read by its encoder. */
export const ZIPKIN = {
  /**
   * On the server's half of a span that client and server share. It has got an id of its own and the shared one as its
   * parent; true where the report said `shared`, false where it was found out.
   */
  shared: 'zipkin.shared',
  /** The parent as it was reported, where a shared span made another one necessary; empty for none. */
  parentId: 'zipkin.parent_id',
  debug: 'zipkin.debug',
  timestampMissing: 'zipkin.timestamp_missing',
  durationMissing: 'zipkin.duration_missing',
  /** In the origin's attributes. */
  localIpv4: 'zipkin.local.ipv4',
  localIpv6: 'zipkin.local.ipv6',
  localPort: 'zipkin.local.port',
  remoteIpv6: 'zipkin.remote.ipv6',
} as const;

/** OpenTelemetry's names for what Zipkin calls the remote endpoint. */
export const PEER = {
  service: 'peer.service',
  address: 'network.peer.address',
  port: 'network.peer.port',
} as const;
