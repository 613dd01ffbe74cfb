// Chunks as objects of an S3-compatible bucket. Credentials come from where AWS's own clients find
// them (AWS_* variables, files, roles), never from here; nothing is ever deleted.

import { Readable } from 'node:stream'
import {
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { WarderError } from '../../core/errors.js'
import type { ChunkStore } from '../../core/recording.js'
import { CHUNK_BYTES_MAX } from './chunk.js'

/** For one answer of the server; the recorder repeats what failed. */
const CONNECT_MS_MAX = 2_000
const ANSWER_MS_MAX = 4_000
/** Region that S3-compatible servers take when nobody names one. */
const REGION = 'us-east-1'

/** Where the bucket is. */
export interface S3Place {
  readonly bucket: string
  /** Without slashes at its ends; empty for none. */
  readonly prefix: string
  /** URL; Amazon's own when absent. */
  readonly endpoint?: string | undefined
  /** From the AWS configuration, else us-east-1, when absent. */
  readonly region?: string | undefined
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly pathStyle: boolean
}

/** ChunkStore on a bucket that exists. Rejects with `RECORD_UNAVAILABLE` and the service's own code. */
export class S3ChunkStore implements ChunkStore {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor({ bucket, prefix, endpoint, region, pathStyle }: S3Place) {
    this.#bucket = bucket
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    this.#client = new S3Client({
      forcePathStyle: pathStyle,
      // The recorder has its own patience, and knows when it must end a session.
      maxAttempts: 1,
      // What comes back is held to the hash on the audit log, which also says what is wrong with it.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: CONNECT_MS_MAX,
        requestTimeout: ANSWER_MS_MAX,
        throwOnRequestTimeout: true,
      },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region !== undefined ? { region } : endpoint === undefined ? {} : { region: REGION }),
    })
  }

  /** The client adds a checksum (CRC32), which the server holds the object to. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    await attempt(() =>
      this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: this.#prefix + name,
          Body: bytes,
          ContentType: 'application/octet-stream',
        }),
      ),
    )
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + name })
    return attempt(async () => {
      const answer = await this.#client.send(command).catch(absent)
      if (answer?.Body === undefined) return undefined
      if ((answer.ContentLength ?? 0) > CHUNK_BYTES_MAX) {
        if (answer.Body instanceof Readable) answer.Body.destroy()
        throw new WarderError('RECORD_UNAVAILABLE', { why: 'a chunk is too long' })
      }
      return await answer.Body.transformToByteArray()
    })
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names: string[] = []
    let more: string | undefined
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#prefix + prefix,
        ContinuationToken: more,
      })
      const page = await attempt(() => this.#client.send(command))
      for (const { Key } of page.Contents ?? []) {
        if (Key !== undefined) names.push(Key.slice(this.#prefix.length))
      }
      more = page.IsTruncated === true ? page.NextContinuationToken : undefined
    } while (more !== undefined)
    return names
  }

  /** Closes its connections. */
  close(): void {
    this.#client.destroy()
  }
}

async function attempt<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof WarderError) throw cause
    const why = `the bucket of recordings failed (${codeOf(cause)})`
    throw new WarderError('RECORD_UNAVAILABLE', { why }, { cause })
  }
}

function absent(failure: unknown): undefined {
  if (failure instanceof NoSuchKey) return undefined
  throw failure
}

/** The service's or the system's own word, such as `AccessDenied` or `ECONNREFUSED`. */
function codeOf(failure: unknown): string {
  if (!(failure instanceof Error)) return 'unknown'
  if ('code' in failure && typeof failure.code === 'string') return failure.code
  // The client's own complaints, such as a region that nobody named.
  return failure.name === 'Error' ? failure.message : failure.name
}
