// The story, told through what openapi-generator makes for TypeScript.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  Configuration, GraphApi, NodeTypesApi, NodesApi, ResponseError, TenantsApi,
  TransactionsApi,
} from "./typescript-fetch";

async function story(): Promise<void> {
  const configuration = new Configuration({ basePath: process.argv[2] });
  const tenants = new TenantsApi(configuration);
  const nodes = new NodesApi(configuration);
  const graph = new GraphApi(configuration);
  const { tenant } = await tenants.createTenant({
    newTenant: { slug: `story-${randomUUID()}`, name: "A story" } });
  const tenantId = tenant.id;
  const { nodeType } = await new NodeTypesApi(configuration).createNodeType({
    tenantId, newNodeType: { name: "Task", schema: { type: "object", required: ["title"] } } });
  assert.equal(nodeType.description, null);
  const newNode = async (title: string): Promise<string> => (await nodes.createNode({
    tenantId, newNode: { nodeTypeId: nodeType.id, data: { title } } })).node.id;
  const first = await newNode("first");
  const second = await newNode("second");
  const page = await nodes.listNodes({
    tenantId, filter: '{"data.title": "first"}', pageSize: 5 });
  assert.deepEqual(page.nodes.map((node) => node.id), [first]);
  assert.equal(page.pagination.totalCount, 1);
  const { raw } = await nodes.getNodeRaw({ tenantId, id: first });
  const patched = await nodes.patchNode({
    tenantId, id: first, requestBody: { done: true }, ifMatch: raw.headers.get("ETag") ?? "" });
  assert.deepEqual(patched.node.data, { title: "first", done: true });
  const done = await new TransactionsApi(configuration).transaction({ transaction: { calls: [
    { method: "create_relationship", as: "link", params: {
      tenant_id: tenantId, source_node_id: first, target_node_id: second,
      relationship_type: "leads_to" } }] } });
  assert.equal(done.results.length, 1);
  const walk = await graph.traverse({ tenantId, start: first, maxDepth: 2 });
  assert.deepEqual(walk.visits.map((visit) => visit.node.id), [second]);
  const { path } = await graph.shortestPath({
    tenantId, sourceNodeId: first, targetNodeId: second });
  assert.equal(path?.length, 1);
  await nodes.deleteNode({ tenantId, id: second });
  await assert.rejects(nodes.getNode({ tenantId, id: second }), (error: unknown) =>
    error instanceof ResponseError && error.response.status === 404);
  await tenants.deleteTenant({ id: tenantId });
}

story().catch((error) => { console.error(error); process.exit(1); });
