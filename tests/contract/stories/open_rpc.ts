// The story, told through what @open-rpc/generator makes.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import Flexdb from "./open-rpc/client/typescript/src";

async function story(): Promise<void> {
  const { hostname, port } = new URL(process.argv[2]);
  const client = new Flexdb({
    transport: { type: "http", host: hostname, port: Number(port), path: "/jsonrpc" } });
  const { tenant } = await client.create_tenant(`story-${randomUUID()}`, "A story");
  const { node_type } = await client.create_node_type(
    tenant.id, "Task", "What is to be done", { type: "object", required: ["title"] });
  const newNode = async (title: string): Promise<string> =>
    (await client.create_node(tenant.id, node_type.id, { title })).node.id;
  const first = await newNode("first");
  const second = await newNode("second");
  // What is left out before an array's methods `filter` and `sort` would be read from the array.
  const page = await client.list_nodes(
    tenant.id, node_type.id, { page_size: 5 }, { "data.title": "first" }, ["created_at"]);
  assert.deepEqual(page.nodes.map((node) => node.id), [first]);
  assert.equal(page.pagination.total_count, 1);
  const patched = await client.patch_node(tenant.id, first, { done: true }, 1);
  assert.equal(patched.node.data["done"], true);
  const done = await client.transaction([
    { method: "create_relationship", as: "link", params: {
      tenant_id: tenant.id, source_node_id: first, target_node_id: second,
      relationship_type: "leads_to" } }]);
  assert.equal(done.results.length, 1);
  const walk = await client.traverse(
    tenant.id, first, "out", ["leads_to"], 1, 2, [node_type.id], 10, {});
  assert.deepEqual(walk.visits.map((visit) => visit.node.id), [second]);
  const { path } = await client.shortest_path(tenant.id, first, second);
  assert.equal(path?.length, 1);
  await client.delete_node(second, tenant.id);
  await assert.rejects(client.get_node(second, tenant.id), { code: -32001 });
  await client.delete_tenant(tenant.id);
}

story().catch((error) => { console.error(error); process.exit(1); });
