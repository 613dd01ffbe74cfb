// Whether a process can do its work right now, part by part. Types only.

/** The parts that a gateway can't do without. */
export type Part = 'store' | 'audit log' | 'temporal' | 'bus' | 'policy' | 'recordings'

/** One part; what is wrong names no address and no secret. */
export interface PartState {
  readonly part: Part
  readonly ok: boolean
  readonly why?: string | undefined
  /** Numbers that tell more: the version of the policy, its age in s. */
  readonly facts?: Readonly<Record<string, number>> | undefined
}

/** `draining`: it still serves whom it has, and wants nobody new. */
export interface Readiness {
  readonly status: 'ready' | 'unready' | 'draining'
  readonly parts: readonly PartState[]
}
