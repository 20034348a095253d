/** The consumer cannot go on without leaving something out: its process must end. */
export class ConsumerFatalError extends Error {
  override readonly name = 'ConsumerFatalError';
}
