import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { PostgresError } from './postgres-error.ts';

const deriveKey = promisify(pbkdf2);

/** The answer to AuthenticationMD5Password: `md5` and two nested hashes. */
export function md5Password(user: string, password: string, salt: Buffer): string {
  const inner = createHash('md5').update(password).update(user).digest('hex');
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`;
}

/**
 * SCRAM-SHA-256 without channel binding: RFC 5802, RFC 7677. The password never crosses the wire, and the server has to
 * prove that it knows it too.
 */
export class Scram {
  readonly #password: string;
  readonly #nonce: string;
  #serverSignature: Buffer | undefined;

  constructor(password: string, nonce = randomBytes(18).toString('base64')) {
    this.#password = password;
    this.#nonce = nonce;
  }

  /** The client's first message. The user's name is that of the startup message. */
  first(): string {
    return `n,,n=*,r=${this.#nonce}`;
  }

  /** The client's final message, for the server's first one. */
  async final(serverFirst: string): Promise<string> {
    const fields = fieldsOf(serverFirst);
    const nonce = fields.get('r') ?? '';
    const salt = Buffer.from(fields.get('s') ?? '', 'base64');
    const iterations = Number(fields.get('i'));
    if (!nonce.startsWith(this.#nonce) || !(iterations >= 1 && iterations <= 10_000_000))
      throw refused('malformed challenge');
    const salted = await deriveKey(this.#password.normalize('NFKC'), salt, iterations, 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=biws,r=${nonce}`;
    const message = `n=*,r=${this.#nonce},${serverFirst},${withoutProof}`;
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]));
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), message);
    return `${withoutProof},p=${proof.toString('base64')}`;
  }

  /** Throws unless the server's final message proves that it knows the password. */
  verify(serverFinal: string): void {
    const signature = Buffer.from(fieldsOf(serverFinal).get('v') ?? '', 'base64');
    const expected = this.#serverSignature;
    if (expected === undefined || signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw refused('the server does not know the password');
    }
  }
}

function fieldsOf(message: string): Map<string, string> {
  return new Map(message.split(',').map((field) => [field.slice(0, 1), field.slice(2)]));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function refused(reason: string): PostgresError {
  return new PostgresError('28000', `SCRAM authentication failed: ${reason}`);
}
