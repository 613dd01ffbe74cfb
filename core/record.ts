// What the audit log writes and the store keeps: numbered records in hash chains, and the signed
// checkpoints over them. Shapes and ports only: hashing and signing live in audit/, SQL in store/.

/** One audit event in its place: number, time, and the hash that ties it to the one before it. */
export interface AuditRecord {
  /** Names the writing process's run (`gwy_…`); one chain has one writer. */
  readonly chain: string
  /** 1, 2, 3 … within the chain, without gaps. */
  readonly seq: number
  /** Epoch ms of the wall clock; order is by `seq`, never by time. */
  readonly at: number
  /** Whole ms of the monotonic clock of the writing process. */
  readonly monotonicMs: number
  readonly kind: string
  /** Canonical JSON of the fields, ASCII only; sensitive ones stand together in `sealed`. */
  readonly body: string
  /** Hex SHA-256 of the record before, 64 zeros for the first. */
  readonly previous: string
  /** Hex SHA-256 over everything above. */
  readonly hash: string
}

/** What records are found by. Copied out of the body, so never evidence of its own. */
export interface RecordKeys {
  readonly principal: string | null
  readonly resource: string | null
  readonly sessionId: string | null
  readonly requestId: string | null
  readonly reviewId: string | null
}

/** A record as the store holds it. */
export interface StoredRecord extends AuditRecord {
  readonly keys: RecordKeys
}

/** Where a chain stood when somebody signed it. */
export interface ChainHead {
  readonly chain: string
  readonly seq: number
  readonly hash: string
  /** `writer` signed what it wrote itself; `finder` what it found of a process that is gone. */
  readonly by: 'writer' | 'finder'
}

/** A signed statement that chains had come this far; itself chained to the one before. */
export interface Checkpoint {
  /** 1, 2, 3 … without gaps, over all processes. */
  readonly number: number
  /** Epoch ms. */
  readonly at: number
  /** Hex SHA-256 of the checkpoint before, 64 zeros for the first. */
  readonly previous: string
  /** The chains that moved since they were last signed. */
  readonly heads: readonly ChainHead[]
  /** Which key signed. */
  readonly keyId: string
  /** Hex SHA-256 over everything above. */
  readonly hash: string
  /** Ed25519 (RFC 8032) over the same bytes, base64. */
  readonly signature: string
}

/** Which records are wanted; an absent field matches everything. Times are epoch ms. */
export interface RecordFilter {
  readonly kinds?: readonly string[] | undefined
  /** Matches the principal's own records and all of the requests that it made. */
  readonly principal?: string | undefined
  /** Matches the resource's own records and all of the requests for it. */
  readonly resource?: string | undefined
  readonly sessionId?: string | undefined
  readonly requestId?: string | undefined
  readonly reviewId?: string | undefined
  /** Inclusive. */
  readonly from?: number | undefined
  /** Exclusive. */
  readonly to?: number | undefined
}

/** A place in the order (at, chain, seq) in which people read the log. */
export type RecordPosition = Pick<AuditRecord, 'at' | 'chain' | 'seq'>

/** A place in the order (chain, seq) in which the log is verified and exported. */
export type ChainPosition = Pick<AuditRecord, 'chain' | 'seq'>

/** Where audit records are kept. Every call has a deadline and rejects with `RECORD_UNAVAILABLE`. */
export interface RecordStore {
  /**
   * Makes the records durable, all or none, and again is as good as once. `conflict` when another
   * record already stands in one of the places: somebody else writes this chain.
   */
  append(records: readonly StoredRecord[]): Promise<'written' | 'conflict'>
  /** The newest record of every chain on which no checkpoint has signed it yet. */
  unsignedTips(): Promise<readonly Pick<AuditRecord, 'chain' | 'seq' | 'hash'>[]>
  /** Records after a place, in the order (chain, seq). */
  page(after: ChainPosition | undefined, limitCount: number): Promise<readonly StoredRecord[]>
  /** Matching records before a place, newest first. */
  newest(
    filter: RecordFilter,
    before: RecordPosition | undefined,
    limitCount: number,
  ): Promise<readonly StoredRecord[]>
  /** Matching records that come after the given number of their chain, in the order (chain, seq). */
  following(
    filter: RecordFilter,
    seen: ReadonlyMap<string, number>,
    limitCount: number,
  ): Promise<readonly StoredRecord[]>
  /** False when the number is already taken. */
  addCheckpoint(checkpoint: Checkpoint): Promise<boolean>
  checkpoint(number: number): Promise<Checkpoint | undefined>
  latestCheckpoint(): Promise<Checkpoint | undefined>
  /** Checkpoints after a number, in their order. */
  checkpoints(afterNumber: number, limitCount: number): Promise<readonly Checkpoint[]>
}

/**
 * Encrypts what is sensitive at rest. `row` names the place that the value belongs to: moved to
 * another row it no longer opens.
 */
export interface Sealer {
  seal(plain: Uint8Array, row: string): Uint8Array
  /** @throws WarderError `INTERNAL` when the key is unknown or the value or its place was changed. */
  open(sealed: Uint8Array, row: string): Uint8Array
}
