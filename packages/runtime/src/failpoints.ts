/**
 * The steps at which a process may be made to die, by who takes them, each with a sentence about
 * what stands at that moment. The crash matrix has a row for each; a test holds this list, the
 * calls in the sources and the matrix together.
 */
export const FAILPOINTS = {
  'payment-api': {
    'payment-api.marker.before-set': 'A request came; nothing is written anywhere.',
    'payment-api.marker.after-set': 'The running marker of a key stands in Redis only.',
    'payment-api.marker.before-release': 'A request is refused; its marker stands in Redis.',
    'payment-api.marker.after-release': 'A request is refused and its marker is gone.',
    'payment-api.intake.before-commit': 'A batch of new payments is about to be written.',
    'payment-api.intake.after-commit': 'A batch of new payments is stored; nobody is answered.',
    'payment-api.intake.before-answer': 'A payment is stored and its answer is about to be sent.',
    'payment-api.cancel.before-commit': 'A cancel and its reserve are written, not committed.',
    'payment-api.cancel.after-commit': 'A cancel is committed; nobody is answered.',
    'payment-api.answer.before-fix': 'The wait of a request is over; its answer is not fixed.',
    'payment-api.answer.after-fix': 'The answer of a request that waited is fixed and not sent.',
    'payment-api.answer.before-cache': 'An answer is about to be kept in Redis for repeats.',
    'payment-api.answer.after-cache': 'An answer is kept in Redis for repeats.',
    'payment-api.projection.before-commit': 'Outcomes are written and not committed.',
    'payment-api.projection.after-commit': 'Outcomes are committed; cache and waiters are old.',
    'payment-api.status-cache.before-fill': 'A reader has what it is about to write to the cache.',
    'payment-api.status-cache.before-write': 'Payments are about to be written to the cache.',
    'payment-api.status-cache.after-write': 'Payments are written to the cache.',
    'payment-api.wake.before-publish': 'The waiters of other instances are not woken.',
    'payment-api.wake.after-publish': 'The waiters of other instances are woken.',
    'payment-api.parked.after-claim': 'The next try of a parked event is fixed; it is not tried.',
    'payment-api.parked.before-delete': 'A parked event is projected and still parked.',
    'payment-api.parked.after-delete': 'A parked event is projected and parked no more.',
    'payment-api.re-emit.before-commit': 'Requests are announced again and not committed.',
    'payment-api.re-emit.after-commit': 'Requests are announced again in the outbox.',
    'payment-api.cancel-re-emit.before-commit': 'Cancels are asked for again, not committed.',
    'payment-api.cancel-re-emit.after-commit': 'Cancels are asked for again in the outbox.',
    'payment-api.settlements.before-commit': 'Parts of statements are written, not committed.',
    'payment-api.settlements.after-commit': 'Parts of statements are stored, none is looked at.',
    'payment-api.settlements.before-complete': 'All lines of a statement are here; it is open.',
    'payment-api.settlements.after-complete': 'A statement is marked complete.',
    'payment-api.merchant.before-commit': 'A change of a merchant is written, not committed.',
    'payment-api.merchant.after-commit': 'A change of a merchant is committed, not answered.',
  },
  'pg-processor': {
    'pg-processor.intake.before-commit': 'First attempts are about to be stored.',
    'pg-processor.intake.after-commit': 'First attempts are READY; their offset is where it was.',
    'pg-processor.cancels.before-commit': 'Requested cancels are about to be stored.',
    'pg-processor.cancels.after-commit': 'Requested cancels wait; their offset is where it was.',
    'pg-processor.cancel-start.before-commit': 'What waiting cancels may do is not committed.',
    'pg-processor.cancel-start.after-commit': 'What waiting cancels may do is committed.',
    'pg-processor.merchants.before-commit': 'News of merchants are about to be stored.',
    'pg-processor.merchants.after-commit': 'News of merchants are stored.',
    'pg-processor.claim.before-commit': 'READY attempts are about to be claimed.',
    'pg-processor.claim.after-commit': 'Attempts are CALLING and no byte has left.',
    'pg-processor.call.before-send': 'The lease is checked and the PG about to be called.',
    'pg-processor.call.after-answer': 'The PG answered an approval; nothing of it is stored.',
    'pg-processor.cancel.before-send': 'A cancel is about to be sent.',
    'pg-processor.cancel.after-answer': 'The PG answered a cancel; nothing of it is stored.',
    'pg-processor.http.sent': 'A request to a PG was handed to its connection.',
    'pg-processor.http.answered': 'The last byte of the answer of a PG was read.',
    'pg-processor.results.before-commit': 'Results and their events are written, not committed.',
    'pg-processor.results.after-commit': 'Results and their events are committed.',
    'pg-processor.retries.before-commit':
      'Retries are let through or put off by the budget, not committed.',
    'pg-processor.retries.after-commit': 'It is committed which retries may be made.',
    'pg-processor.repairs.before-claim': 'Inquiries that are due are about to be taken.',
    'pg-processor.repairs.after-claim': 'Inquiries are taken and their next turns fixed.',
    'pg-processor.inquiry.before-send': 'An inquiry is about to be sent.',
    'pg-processor.inquiry.after-answer': 'An inquiry is answered; nothing of it is stored.',
    'pg-processor.resend.before-commit': 'The same bytes are to be sent again; it is not noted.',
    'pg-processor.resend.after-commit': 'It is noted that the same bytes go again; none left.',
    'pg-processor.resend.after-answer': 'The same bytes were answered; nothing of it is stored.',
    'pg-processor.follow-up.before-send': 'A look at a late capture is about to be sent.',
    'pg-processor.follow-up.after-answer': 'A look at a late capture is answered.',
    'pg-processor.sweep.before-record': 'Attempts that need an end are found; none has it.',
  },
  'settlement-worker': {
    'settlement-worker.facts.before-commit': 'Facts are written and not committed.',
    'settlement-worker.facts.after-commit': 'Facts are stored; their offset is where it was.',
    'settlement-worker.close.run-started': 'The try of a close is counted.',
    'settlement-worker.close.facts-counted': 'The facts of a day are counted, not committed.',
    'settlement-worker.close.items-written': 'The items of a day are written, not committed.',
    'settlement-worker.close.itemized': 'The items of a day are committed.',
    'settlement-worker.close.statements-written': 'Statements are written, not committed.',
    'settlement-worker.close.stated': 'Statements are committed.',
    'settlement-worker.close.totals-written': 'Totals are compared, not committed.',
    'settlement-worker.close.agreed': 'Totals agree: the statements are final.',
    'settlement-worker.close.batch-written': 'Events of statements are written, not committed.',
    'settlement-worker.close.batch-published': 'Events of statements are in the outbox.',
    'settlement-worker.close.end-written': 'The end of a close is written, not committed.',
    'settlement-worker.close.closed': 'The day is closed; nobody has been told.',
  },
  /** Of `packages/messaging`, so of every service. */
  every: {
    'relay.before-publish': 'Outbox rows are read and none is published.',
    'relay.before-delete': 'Every report of a batch is here; its rows stand in the outbox.',
    'relay.after-delete': 'The rows of a batch are deleted from the outbox.',
    'relay.before-dead': 'A row that can never be published stands in the outbox.',
    'relay.after-dead': 'A row that can never be published is moved away.',
    'producer.enqueued': 'Messages are handed to the Kafka client; no report is awaited.',
    'producer.reported': 'A delivery report came; others of the batch may not have.',
    'consumer.before-handle': 'A batch is read from Kafka and not handled.',
    'consumer.before-offset-store': 'A batch is handled; its offsets are not stored.',
    'consumer.after-offset-store': 'The offsets of a batch are stored in the client.',
    'consumer.before-offset-commit': 'Offsets are about to be committed, to leave the group.',
    'consumer.after-offset-commit': 'Offsets are committed; the group is not left.',
    'dead-letter.before-publish': 'A message is given up; its dead letter is not written.',
    'dead-letter.after-publish': 'A dead letter stands; the offset of its message does not.',
  },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

type Owner = keyof typeof FAILPOINTS;

export type FailpointName = { [One in Owner]: keyof (typeof FAILPOINTS)[One] }[Owner];

const NAMES: ReadonlySet<string> = new Set(Object.values(FAILPOINTS).flatMap(Object.keys));

export function isFailpointName(text: string): text is FailpointName {
  return NAMES.has(text);
}
