/** The asked thing does not exist. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}

/** The payment service refused the charge. */
export class PaymentDeclined extends Error {
  override readonly name = 'PaymentDeclined';
}
