// Arranges a graph of services: in a worker of its own, because the library is large and its work takes long.
import { Graph, layout } from '@dagrejs/dagre';

export interface LayoutRequest {
  readonly id: number;
  readonly nodes: readonly { readonly width: number; readonly height: number }[];
  /** By positions of the nodes. */
  readonly edges: readonly { readonly from: number; readonly to: number }[];
}

export interface GraphLayout {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  /** Middle of each node, in the order asked. */
  readonly nodes: readonly { readonly x: number; readonly y: number }[];
  /** Points of each edge, in the order asked. */
  readonly edges: readonly (readonly { readonly x: number; readonly y: number }[])[];
}

addEventListener('message', (event: MessageEvent<LayoutRequest>) => {
  const { id, nodes, edges } = event.data;
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 26, ranksep: 132, marginx: 24, marginy: 24 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [at, { width, height }] of nodes.entries()) graph.setNode(`n${at}`, { width, height });
  for (const { from, to } of edges) graph.setEdge(`n${from}`, `n${to}`);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const answer: GraphLayout = {
    id,
    width,
    height,
    nodes: nodes.map((_, at) => {
      const { x, y } = graph.node(`n${at}`) as { x: number; y: number };
      return { x, y };
    }),
    edges: edges.map(
      ({ from, to }) => (graph.edge(`n${from}`, `n${to}`) as { points: { x: number; y: number }[] }).points,
    ),
  };
  postMessage(answer);
});
