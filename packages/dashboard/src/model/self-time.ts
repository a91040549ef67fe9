/**
 * Self time of each node: its duration less the time in which at least one child ran. Children that overlap count
 * once; what sticks out of the parent does not count. Linear: siblings come by start.
 *
 * ```text
 * parent   |====......==|        ==  self
 * child        |--|
 * child          |---|
 * child                     |--|  outside: ignored
 * ```
 */
export function selfTimes(size: Int32Array, start: Float64Array, duration: Float64Array): Float64Array {
  const self = new Float64Array(size.length);
  for (let node = 0; node < size.length; node++) {
    const from = start[node];
    const to = from + duration[node];
    let covered = 0;
    let coveredTo = from;
    for (let child = node + 1; child < node + size[node]; child += size[child]) {
      if (start[child] >= to) break;
      const end = Math.min(start[child] + duration[child], to);
      if (end <= coveredTo) continue;
      covered += end - Math.max(start[child], coveredTo);
      coveredTo = end;
    }
    self[node] = duration[node] - covered;
  }
  return self;
}
