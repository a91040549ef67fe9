// Arranges a graph of services: in a worker of its own, because the library is large and its work takes long.
import { Graph, layout } from '@dagrejs/dagre';

export interface LayoutRequest {
  readonly id: number;
  readonly nodes: readonly { readonly name: string; readonly width: number; readonly height: number }[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
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
  graph.setGraph({ rankdir: 'LR', nodesep: 26, ranksep: 92, marginx: 24, marginy: 24 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name, width, height } of nodes) graph.setNode(name, { width, height });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const answer: GraphLayout = {
    id,
    width,
    height,
    nodes: nodes.map(({ name }) => {
      const { x, y } = graph.node(name) as { x: number; y: number };
      return { x, y };
    }),
    edges: edges.map(({ from, to }) => (graph.edge(from, to) as { points: { x: number; y: number }[] }).points),
  };
  postMessage(answer);
});
