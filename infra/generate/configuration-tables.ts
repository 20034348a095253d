import { profileSchema } from '@mini-pg/runtime';
import { z } from 'zod';
import { code, table } from './markdown.ts';
import {
  SERVICES,
  type Service,
  type ServiceReference,
  type Variable,
} from './service-references.ts';

/**
 * The generated parts of `docs/reference/configuration.md`: the variables that all services have,
 * those of all but the simulator, each service's own, and the fields of a profile.
 */
export function configurationTables(
  references: ReadonlyMap<Service, ServiceReference>,
): Record<string, string> {
  const rows = variableRows(references);
  const platform = SERVICES.filter((service) => service !== 'pg-simulator');
  return {
    'every-service': variableTable(rows, SERVICES),
    platform: variableTable(rows, platform),
    ...Object.fromEntries(SERVICES.map((service) => [service, variableTable(rows, [service])])),
    profile: table(['Field', ''], profileFields()),
  };
}

interface VariableRow {
  readonly name: string;
  readonly cells: readonly string[];
  readonly services: Service[];
}

/** One row for each variable that services read the same way. */
function variableRows(references: ReadonlyMap<Service, ServiceReference>): VariableRow[] {
  const rows = new Map<string, VariableRow>();
  for (const [service, { environment }] of references) {
    for (const [name, variable] of Object.entries(environment.properties)) {
      const byDefault = defaultOf(variable, environment.required.includes(name));
      const cells = [code(name), byDefault, meaningOf(variable)];
      const key = cells.join('\n');
      const row = rows.get(key) ?? { name, cells, services: [] };
      row.services.push(service);
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}

/** The variables of exactly these services. */
function variableTable(rows: readonly VariableRow[], services: readonly Service[]): string {
  const own = rows.filter((row) => row.services.join() === services.join());
  return table(
    ['Name', 'Default', ''],
    own.map(({ cells }) => cells),
  );
}

function defaultOf(variable: Variable, required: boolean): string {
  if (required) return 'required';
  if (variable.default === undefined) return 'none';
  return variable.default === '' ? 'empty' : code(String(variable.default));
}

function meaningOf({ description, enum: values }: Variable): string {
  return values ? `${description}: ${values.map(code).join(', ')}` : description;
}

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Record<string, JsonSchema>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
}

function profileFields(): string[][] {
  return fieldsOf(z.toJSONSchema(profileSchema, { io: 'input' }) as JsonSchema, '');
}

/** A row for each field that says what it is; its path in the profile comes first. */
function fieldsOf(schema: JsonSchema, path: string): string[][] {
  const { description, properties, additionalProperties, items } = schema;
  if (description !== undefined) return [[code(path), description]];
  const below = Object.entries(properties ?? {}).flatMap(([name, field]) =>
    fieldsOf(field, path === '' ? name : `${path}.${name}`),
  );
  if (typeof additionalProperties === 'object') {
    below.push(...fieldsOf(additionalProperties, `${path}.<pg>`));
  }
  if (items) below.push(...fieldsOf(items, `${path}[]`));
  if (below.length === 0) throw new Error(`the field ${path} of a profile is not described`);
  return below;
}
