// The document as the test reads it: operations, schemas that name every field, and what was seen of them.
import { createHash } from 'node:crypto';
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

export class Contract {
  constructor(document) {
    this.document = document;
    this.ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
    formats(this.ajv);
    this.ajv.addKeyword('example');
    this.compiled = new Map();
    this.operations = [];
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of METHODS.filter((one) => item[one])) {
        const operation = this.resolve(item[method]);
        this.operations.push({ ...operation, path, method: method.toUpperCase(),
          parameters: (operation.parameters ?? []).map((one) => this.resolve(one)) });
      }
    }
  }

  resolve(node) {
    if (!node?.$ref) return node;
    return node.$ref.slice(2).split('/').reduce((at, key) => at[key.replaceAll('~1', '/').replaceAll('~0', '~')], this.document);
  }

  operation(id) {
    const found = this.operations.find((one) => one.operationId === id);
    if (!found) throw new Error(`the document has no operation ${id}`);
    return found;
  }

  // What the document says of an answer: {described, type, body} or nothing.
  response(operation, status) {
    const described = operation.responses[status];
    if (!described) return undefined;
    const response = this.resolve(described);
    const [type, body] = Object.entries(response.content ?? {})[0] ?? [];
    return { shared: Boolean(described.$ref), response, type, body };
  }

  // Problems of `value` under `schema`, in words; a field that the schema does not name is one.
  problems(schema, value) {
    const closed = this.closed(schema);
    const name = createHash('sha256').update(JSON.stringify(closed)).digest('hex');
    if (!this.compiled.has(name)) this.compiled.set(name, this.ajv.compile(closed));
    const validate = this.compiled.get(name);
    if (validate(value)) return [];
    return validate.errors.map((error) =>
      `${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`);
  }

  // The schema with references filled in, in which an object has the fields that are named and no others;
  // only one that says additionalProperties is a map.
  closed(given) {
    const schema = structuredClone(this.resolve(given));
    if (typeof schema !== 'object') return schema;
    for (const [name, one] of Object.entries(schema.properties ?? {})) schema.properties[name] = this.closed(one);
    if (schema.items) schema.items = this.closed(schema.items);
    const isObject = [schema.type].flat().includes('object');
    if (isObject && schema.additionalProperties === undefined) schema.additionalProperties = false;
    else if (typeof schema.additionalProperties === 'object') schema.additionalProperties = this.closed(schema.additionalProperties);
    return schema;
  }

  // "data[].amount" for every field that a schema names.
  fields(given, at = '') {
    const schema = this.resolve(given);
    const found = [];
    for (const [name, one] of Object.entries(schema?.properties ?? {})) {
      const here = at ? `${at}.${name}` : name;
      found.push(here, ...this.fields(one, here));
    }
    if (schema?.items) found.push(...this.fields(schema.items, `${at}[]`));
    return found;
  }

  // Schemas of objects that say neither their fields nor that they are maps.
  vague(given, at = '') {
    const schema = this.resolve(given);
    const found = [];
    if (!schema || Object.keys(schema).length === 0 || (schema.type === undefined && schema.const === undefined)) found.push(at || '/');
    if ([schema?.type].flat().includes('object') && !schema.properties && schema.additionalProperties === undefined) found.push(at || '/');
    for (const [name, one] of Object.entries(schema?.properties ?? {})) found.push(...this.vague(one, `${at}/${name}`));
    if ([schema?.type].flat().includes('array')) found.push(...this.vague(schema.items, `${at}[]`));
    return found;
  }
}

// "data[].amount" for every field that a value has.
export function fieldsOf(value, at = '') {
  if (Array.isArray(value)) return value.flatMap((one) => fieldsOf(one, `${at}[]`));
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, one]) => {
    const here = at ? `${at}.${name}` : name;
    return [here, ...fieldsOf(one, here)];
  });
}
