import { withoutTracing } from '@forge/node';
import postgres, { type Sql } from 'postgres';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS users (
    id text PRIMARY KEY,
    email text NOT NULL
  );
  CREATE TABLE IF NOT EXISTS orders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES users,
    item text NOT NULL,
    amount integer NOT NULL CHECK (amount > 0),
    status text NOT NULL DEFAULT 'paid',
    charge_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  INSERT INTO users SELECT 'user-' || n, 'user-' || n || '@example.com' FROM generate_series(1, 200) n ON CONFLICT DO NOTHING;
`;

/** The worker's own tables, next to the traces. Several workers may start at once: one lock lets them pass in turn. */
export async function openDatabase(url: string): Promise<Sql> {
  const sql = postgres(url, {
    max: 5,
    onnotice: () => undefined,
    connection: { application_name: 'function-executor' },
  });
  await withoutTracing(() =>
    sql.begin(async (transaction) => {
      await transaction`SELECT pg_advisory_xact_lock(hashtext('function-executor schema'))`;
      await transaction.unsafe(SCHEMA);
    }),
  );
  return sql;
}
