/** What a tag's value may be: OpenTelemetry's attribute values. Arrays are of one primitive type, holes allowed. */
export type AttributeValue =
  | string
  | number
  | boolean
  | readonly (string | null | undefined)[]
  | readonly (number | null | undefined)[]
  | readonly (boolean | null | undefined)[];

/**
 * Attributes as one flat array: `[key, value, key, value, ...]`, keys unique.
 * One allocation for all, filled without hashing, and read in order by the encoders.
 * What comes from outside (a receiver) may hold deeper JSON values than `AttributeValue`; encoders write them as JSON.
 */
export type AttributeList = readonly unknown[];

/** The value of `key`, or undefined. Linear: lists are short. */
export function attributeOf(list: AttributeList, key: string): unknown {
  for (let i = 0; i < list.length; i += 2) if (list[i] === key) return list[i + 1];
  return undefined;
}

/** A plain object of the list; `__proto__` becomes an ordinary key. */
export function attributesToObject(list: AttributeList): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < list.length; i += 2) {
    const key = list[i] as string;
    if (key === '__proto__')
      Object.defineProperty(object, key, { value: list[i + 1], enumerable: true, configurable: true, writable: true });
    else object[key] = list[i + 1];
  }
  return object;
}

/** The flat list of a plain object's own enumerable properties; undefined and null values are left out. */
export function attributesFromObject(object: Readonly<Record<string, unknown>>): unknown[] {
  const list: unknown[] = [];
  for (const key in object) {
    if (!Object.hasOwn(object, key)) continue;
    const value = object[key];
    if (value !== undefined && value !== null) list.push(key, value);
  }
  return list;
}

/** Whether OpenTelemetry allows `value` as an attribute: a primitive, or an array of one primitive type. */
export function isAttributeValue(value: unknown): value is AttributeValue {
  const type = typeof value;
  if (type === 'string' || type === 'number' || type === 'boolean') return true;
  if (!Array.isArray(value)) return false;
  let element: string | undefined;
  for (const item of value) {
    if (item === null || item === undefined) continue;
    const itemType = typeof item;
    if (itemType !== 'string' && itemType !== 'number' && itemType !== 'boolean') return false;
    if (element !== undefined && itemType !== element) return false;
    element = itemType;
  }
  return true;
}
