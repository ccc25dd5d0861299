// The story, told through what @hey-api/openapi-ts makes.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  createNode, createNodeType, createTenant, deleteNode, deleteTenant, getNode, listNodes,
  patchNode, shortestPath, transaction, traverse,
} from "./hey-api";
import { client } from "./hey-api/client.gen";

async function story(): Promise<void> {
  client.setConfig({ baseUrl: process.argv[2] });
  const sure = { throwOnError: true } as const;
  const { data: { tenant } } = await createTenant({
    ...sure, body: { slug: `story-${randomUUID()}`, name: "A story" } });
  const tenant_id = tenant.id;
  const { data: { node_type } } = await createNodeType({
    ...sure, path: { tenant_id },
    body: { name: "Task", schema: { type: "object", required: ["title"] } } });
  assert.equal(node_type.description, null);
  const newNode = async (title: string): Promise<string> => {
    const { data } = await createNode({
      ...sure, path: { tenant_id }, body: { node_type_id: node_type.id, data: { title } } });
    return data.node.id;
  };
  const first = await newNode("first");
  const second = await newNode("second");
  const { data: page } = await listNodes({
    ...sure, path: { tenant_id }, query: { filter: '{"data.title": "first"}', page_size: 5 } });
  assert.deepEqual(page.nodes.map((node) => node.id), [first]);
  assert.equal(page.pagination.total_count, 1);
  const { response } = await getNode({ ...sure, path: { tenant_id, id: first } });
  const { data: patched } = await patchNode({
    ...sure, path: { tenant_id, id: first }, body: { done: true },
    headers: { "If-Match": response.headers.get("ETag") ?? "" } });
  assert.equal(patched.node.data["done"], true);
  const { data: done } = await transaction({ ...sure, body: { calls: [
    { method: "create_relationship", as: "link", params: {
      tenant_id, source_node_id: first, target_node_id: second,
      relationship_type: "leads_to" } }] } });
  assert.equal(done.results.length, 1);
  const { data: walk } = await traverse({
    ...sure, path: { tenant_id, start: first }, query: { max_depth: 2 } });
  assert.deepEqual(walk.visits.map((visit) => visit.node.id), [second]);
  const { data: found } = await shortestPath({
    ...sure, path: { tenant_id, source_node_id: first }, query: { target_node_id: second } });
  assert.equal(found.path?.length, 1);
  await deleteNode({ ...sure, path: { tenant_id, id: second } });
  const { error } = await getNode({ path: { tenant_id, id: second } });
  assert.equal(error?.error.data.reason, "NOT_FOUND");
  await deleteTenant({ ...sure, path: { id: tenant_id } });
}

story().catch((error) => { console.error(error); process.exit(1); });
