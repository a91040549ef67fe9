import { tracePgBoss } from '@forge/instrumentation-jobs';
import { withoutTracing } from '@forge/node';
import PgBoss from 'pg-boss';

const SEND_CONFIRMATION = 'send_confirmation';

interface Confirmation {
  readonly orderId: string;
  readonly email: string;
}

/** The job runner: pg-boss over the same PostgreSQL. Any number of workers may share the queue. */
export interface Jobs {
  dispatch(type: string, data: object): Promise<void>;
  /** Starts working on the queue. */
  run(): Promise<void>;
  stop(): Promise<void>;
}

export async function openJobs(databaseUrl: string): Promise<Jobs> {
  const boss = tracePgBoss(
    new PgBoss({ connectionString: databaseUrl, schema: 'jobs', max: 4, application_name: 'function-executor jobs' }),
  );
  boss.on('error', (error) => console.error(`jobs: ${error.message}`));
  await withoutTracing(async () => {
    await boss.start();
    await boss.createQueue(SEND_CONFIRMATION);
  });
  return {
    async dispatch(type, data) {
      await boss.send(type, data);
    },
    async run() {
      await boss.work<Confirmation>(SEND_CONFIRMATION, { pollingIntervalSeconds: 0.5 }, async ([job]) => {
        if (job !== undefined) await sendConfirmation(job.data);
      });
    },
    stop: () => boss.stop({ graceful: true, timeout: 3000 }),
  };
}

/** Where a mail would leave: this app has no mail server, so the text goes to the log. */
async function sendConfirmation({ orderId, email }: Confirmation): Promise<void> {
  console.log(`mail to ${email}: thank you for order ${orderId}`);
}
