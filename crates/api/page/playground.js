// The playground: sends one request of the API, shows its reply, and the same request in code. Its fields are those of the
// OpenAPI document.
import { CodeTabs } from "./code-tabs.js";
import { h, uniqueId } from "./html.js";
import { KeyPrompt } from "./key-prompt.js";
import { storedKey } from "./stored-key.js";
import { quoted } from "./texts.js";

/** @typedef {{ $ref?: string, type?: string, format?: string, enum?: string[], description?: string, properties?: Record<string, Schema>, items?: Schema }} Schema */
/** @typedef {{ name: string, place: "path" | "query" | "body", schema: Schema, description: string, isRequired: boolean }} Field */
/** @typedef {{ id: string, method: string, path: string, summary: string, mediaType: string, fields: Field[] }} Operation */
/** @typedef {FormData} Values the fields that are given */

/** Requests with a key, and a body that is a form, JSON or nothing. The others are those of tus and of signed links. */
const BODIES = ["multipart/form-data", "application/json", ""];

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
/** What replies have named, for the fields of later requests. @type {Record<string, string>} */
const known = {};

/** The operations of an OpenAPI document. @param {any} document @returns {Operation[]} */
function operationsOf(document) {
  const resolve = (/** @type {Schema} */ schema) =>
    schema.$ref ? { ...document.components.schemas[schema.$ref.split("/").at(-1) ?? ""], ...schema } : schema;
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const content = operation.requestBody?.content ?? {};
      const mediaType = Object.keys(content)[0] ?? "";
      const body = resolve(content[mediaType]?.schema ?? {});
      const schema = body.properties
        ? body
        : resolve(
            /** @type {any} */ (body).oneOf?.find((/** @type {Schema} */ part) => part.$ref || part.properties) ?? {},
          );
      const required = /** @type {any} */ (schema).required ?? [];
      const parameters = (operation.parameters ?? []).filter((/** @type {any} */ { in: place }) => place !== "header");
      /** @type {Field[]} */
      const fields = [
        ...parameters.map((/** @type {any} */ { name, in: place, schema, description, required }) => {
          return { name, place, schema: resolve(schema), description, isRequired: required };
        }),
        ...Object.entries(schema.properties ?? {}).map(([name, field]) => {
          const isRequired = required.includes(name);
          return { name, place: "body", schema: resolve(field), description: field.description ?? "", isRequired };
        }),
      ];
      const needsKey = (operation.security ?? []).some((/** @type {object} */ scheme) => "key" in scheme);
      const isSigned = fields.some(({ name }) => name === "signature");
      const { operationId: id, summary } = operation;
      return {
        id,
        method: method.toUpperCase(),
        path,
        summary,
        mediaType,
        fields,
        isOffered: needsKey && !isSigned && BODIES.includes(mediaType),
      };
    }),
  );
  return all.filter(({ isOffered }) => isOffered);
}

/** The address of a request. @param {Operation} operation @param {Values} values */
function addressOf({ path, fields }, values) {
  const given = (/** @type {string} */ wanted) =>
    fields.filter(({ name, place }) => place === wanted && values.has(name));
  let address = path;
  for (const { name } of given("path"))
    address = address.replace(`{${name}}`, encodeURIComponent(String(values.get(name))));
  const query = new URLSearchParams(given("query").map(({ name }) => [name, String(values.get(name))]));
  return location.origin + address + (query.size ? `?${query}` : "");
}

/** The fields of the body that are given. @param {Operation} operation @param {Values} values */
const bodyOf = ({ fields }, values) =>
  fields
    .filter(({ place }) => place === "body")
    .flatMap((field) => values.getAll(field.name).map((value) => ({ ...field, value })));

/** The JSON body of a request. @param {Operation} operation @param {Values} values */
function jsonOf(operation, values) {
  const typed = (/** @type {Schema} */ { type }, /** @type {string} */ text) =>
    type === "array"
      ? text.split(",").map((word) => word.trim())
      : type === "integer"
        ? Number(text)
        : type === "boolean"
          ? text === "true"
          : text;
  return Object.fromEntries(
    bodyOf(operation, values).map(({ name, schema, value }) => [name, typed(schema, String(value))]),
  );
}

const KEY = "Authorization: Bearer $CLEARCUT_KEY";

/** @param {Operation} operation @param {Values} values */
function curl(operation, values) {
  const lines = [`curl${operation.method === "GET" ? "" : ` -X ${operation.method}`} -H "${KEY}" \\`];
  if (operation.mediaType === "application/json") {
    lines.push(`  -H "Content-Type: application/json" -d ${quoted(JSON.stringify(jsonOf(operation, values)))} \\`);
  } else {
    for (const { name, value } of bodyOf(operation, values)) {
      lines.push(`  -F ${quoted(value instanceof File ? `${name}=@${value.name}` : `${name}=${value}`)} \\`);
    }
  }
  return [...lines, `  ${quoted(addressOf(operation, values))}`].join("\n");
}

/** @param {Operation} operation @param {Values} values */
function typescript(operation, values) {
  const isForm = operation.mediaType === "multipart/form-data";
  const parts = isForm ? bodyOf(operation, values) : [];
  const hasFile = parts.some(({ value }) => value instanceof File);
  const set = parts.map(({ name, value }) => {
    const text = value instanceof File ? `await openAsBlob(${JSON.stringify(value.name)}), ` : "";
    return `form.append(${JSON.stringify(name)}, ${text}${JSON.stringify(value instanceof File ? value.name : value)});`;
  });
  const isJson = operation.mediaType === "application/json";
  const type = isJson ? ', "Content-Type": "application/json"' : "";
  return [
    ...(hasFile ? ['import { openAsBlob } from "node:fs";', ""] : []),
    ...(isForm ? ["const form = new FormData();", ...set] : []),
    `const reply = await fetch(${JSON.stringify(addressOf(operation, values))}, {`,
    `  method: "${operation.method}",`,
    `  headers: { Authorization: \`Bearer \${process.env.CLEARCUT_KEY}\`${type} },`,
    ...(isForm
      ? ["  body: form,"]
      : isJson
        ? [`  body: JSON.stringify(${JSON.stringify(jsonOf(operation, values))}),`]
        : []),
    "});",
    "console.log(reply.status, await reply.json());",
  ].join("\n");
}

/** Sends a request; the status and the text of its reply. @param {Operation} operation @param {Values} values @param {string} key */
async function send(operation, values, key) {
  const headers = new Headers({ Authorization: `Bearer ${key}` });
  /** @type {FormData | string | undefined} */
  let body;
  if (operation.mediaType === "multipart/form-data") {
    body = new FormData();
    for (const { name, value } of bodyOf(operation, values)) body.append(name, value);
  } else if (operation.mediaType === "application/json") {
    headers.set("Content-Type", "application/json");
    body = JSON.stringify(jsonOf(operation, values));
  }
  const reply = await fetch(addressOf(operation, values), { method: operation.method, headers, body });
  const text = await reply.text();
  const isJson = reply.headers.get("content-type")?.includes("json");
  // A data URL is long, and no text.
  const shorten = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    if (/Id$/.test(name) && typeof value === "string") known[name === "storageId" ? "inputStorageId" : name] = value;
    return typeof value === "string" && value.startsWith("data:") ? `${value.slice(0, 60)}…` : value;
  };
  return {
    status: `${reply.status} ${reply.statusText}`,
    text: isJson ? JSON.stringify(JSON.parse(text, shorten), null, 2) : text,
  };
}

/** The input of a field. @param {Field} field */
function inputOf({ name, schema, isRequired }) {
  const id = uniqueId();
  const isList = schema.items?.format === "binary";
  if (isList || schema.format === "binary")
    return h("input", { id, name, type: "file", multiple: isList, required: isRequired });
  const words = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : null);
  if (words)
    return h("select", { id, name }, h("option", { value: "" }, "–"), ...words.map((word) => h("option", {}, word)));
  return h("input", {
    id,
    name,
    required: isRequired,
    spellcheck: false,
    autocomplete: "off",
    value: known[name] ?? "",
  });
}

/** @param {string} key */
async function play(key) {
  const operations = operationsOf(await (await fetch("/docs.json")).json());
  const choice = h(
    "select",
    { id: uniqueId() },
    ...operations.map(({ id, summary }) => h("option", { value: id }, `${id}: ${summary}`)),
  );
  choice.value = "submitVideoJob";
  const fields = h("div", { class: "options" });
  const form = h(
    "form",
    { class: "panel playground" },
    h("h2", {}, "Send a request"),
    h("div", { class: "field" }, h("label", { for: choice.id }, "Request"), choice),
    fields,
    h("button", { type: "submit", class: "primary" }, "Send"),
  );
  const status = h("p", { role: "status" });
  const reply = h("code", {});
  const code = new CodeTabs();
  code.heading = "The same in code";
  const chosen = () => /** @type {Operation} */ (operations.find(({ id }) => id === choice.value));
  /** What is given; a field that is empty is not. @returns {Values} */
  const values = () => {
    const given = new FormData(form);
    for (const name of [...given.keys()]) {
      const value = given.get(name);
      if ((value instanceof File ? value.name : value) === "") given.delete(name);
    }
    return given;
  };
  const update = () => {
    code.samples = [
      ["curl", curl(chosen(), values())],
      ["TypeScript", typescript(chosen(), values())],
    ];
    code.show();
  };
  const choose = () => {
    const rows = chosen().fields.map((field) => {
      const input = inputOf(field);
      return h(
        "div",
        { class: "field", title: field.description },
        h("label", { for: input.id }, `${field.name}${field.isRequired ? " *" : ""}`),
        input,
      );
    });
    fields.replaceChildren(...rows);
    update();
  };
  choice.onchange = choose;
  form.oninput = update;
  form.onsubmit = async (event) => {
    event.preventDefault();
    status.textContent = "Sending…";
    reply.textContent = "";
    try {
      const { status: told, text } = await send(chosen(), values(), key);
      [status.textContent, reply.textContent] = [told, text];
    } catch (error) {
      status.textContent = String(error);
    }
  };
  choose();
  main.className = "";
  main.replaceChildren(
    form,
    h("section", { class: "panel reply", "aria-label": "Reply" }, code, status, h("pre", { tabIndex: 0 }, reply)),
  );
}

const kept = storedKey();
if (kept) play(kept);
else {
  const prompt = new KeyPrompt();
  prompt.addEventListener("signed-in", (event) => play(/** @type {CustomEvent<string>} */ (event).detail));
  main.replaceChildren(prompt);
}
