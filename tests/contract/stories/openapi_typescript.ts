// The story, told through openapi-fetch with the types that openapi-typescript makes.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi-typescript";

// What is stored may have any members.
const data: components["schemas"]["Node"]["data"] = { title: "first", tags: ["a"], deep: { x: 1 } };

async function story(): Promise<void> {
  const client = createClient<paths>({ baseUrl: process.argv[2] });
  const { data: made } = await client.POST("/tenants", {
    body: { slug: `story-${randomUUID()}`, name: "A story" } });
  assert.ok(made);
  const tenant_id = made.tenant.id;
  const { data: typed } = await client.POST("/tenants/{tenant_id}/node-types", {
    params: { path: { tenant_id } },
    body: { name: "Task", schema: { type: "object", required: ["title"] } } });
  assert.ok(typed);
  assert.equal(typed.node_type.description, null);
  const newNode = async (title: string): Promise<string> => {
    const { data: given } = await client.POST("/tenants/{tenant_id}/nodes", {
      params: { path: { tenant_id } },
      body: { node_type_id: typed.node_type.id, data: { ...data, title } } });
    assert.ok(given);
    return given.node.id;
  };
  const first = await newNode("first");
  const second = await newNode("second");
  const { data: page } = await client.GET("/tenants/{tenant_id}/nodes", { params: {
    path: { tenant_id }, query: { filter: '{"data.title": "first"}', page_size: 5 } } });
  assert.deepEqual(page?.nodes.map((node) => node.id), [first]);
  assert.equal(page?.pagination.total_count, 1);
  const { response } = await client.GET("/tenants/{tenant_id}/nodes/{id}", {
    params: { path: { tenant_id, id: first } } });
  const tag = response.headers.get("ETag") ?? "";
  const { data: patched } = await client.PATCH("/tenants/{tenant_id}/nodes/{id}", {
    params: { path: { tenant_id, id: first }, header: { "If-Match": tag } },
    headers: { "Content-Type": "application/merge-patch+json" }, body: { done: true } });
  assert.equal(patched?.node.data["done"], true);
  const { data: done } = await client.POST("/transactions", { body: { dry_run: false, refs: false, calls: [
    { method: "create_relationship", as: "link", params: {
      tenant_id, source_node_id: first, target_node_id: second,
      relationship_type: "leads_to" } }] } });
  assert.equal(done?.results.length, 1);
  const { data: walk } = await client.GET("/tenants/{tenant_id}/nodes/{start}/traverse", {
    params: { path: { tenant_id, start: first }, query: { max_depth: 2 } } });
  assert.deepEqual(walk?.visits.map((visit) => visit.node.id), [second]);
  const { data: found } = await client.GET(
    "/tenants/{tenant_id}/nodes/{source_node_id}/shortest-path", { params: {
      path: { tenant_id, source_node_id: first }, query: { target_node_id: second } } });
  assert.equal(found?.path?.length, 1);
  const there = { params: { path: { tenant_id, id: second } } };
  await client.DELETE("/tenants/{tenant_id}/nodes/{id}", there);
  const { error } = await client.GET("/tenants/{tenant_id}/nodes/{id}", there);
  assert.equal(error?.error.data.reason, "NOT_FOUND");
  await client.DELETE("/tenants/{id}", { params: { path: { id: tenant_id } } });
}

story().catch((error) => { console.error(error); process.exit(1); });
