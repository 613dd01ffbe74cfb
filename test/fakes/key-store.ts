// A key store in memory, which takes and gives what the one on PostgreSQL does.

import type { EarlierKeys, KeyStore, StoredKey, WrappedKey } from '../../core/keys.js'

/** Rows that a test may look at and change. */
export class FakeKeyStore implements KeyStore {
  rows: StoredKey[] = []
  earlierKeys: EarlierKeys = { isUsed: false }
  listCount = 0

  list(): Promise<readonly StoredKey[]> {
    this.listCount += 1
    return Promise.resolve(this.rows.map((row) => ({ ...row })))
  }

  add(keys: readonly WrappedKey[], activeInMs: number): Promise<boolean> {
    const free = keys.filter((key) => this.rows.every((row) => !isSamePlace(row, key)))
    this.rows.push(...free.map((key) => ({ ...key, isActive: activeInMs <= 0 })))
    return Promise.resolve(free.length === keys.length)
  }

  rewrap(keys: readonly WrappedKey[]): Promise<boolean> {
    const rewrapped = this.rows.map((row) => {
      const next = keys.find((key) => isSamePlace(row, key) && row.id === key.id)
      return next === undefined ? row : { ...next, isActive: row.isActive }
    })
    this.rows = rewrapped
    return Promise.resolve(true)
  }

  earlier(): Promise<EarlierKeys> {
    return Promise.resolve(this.earlierKeys)
  }

  /** As time does. */
  activateAll(): void {
    this.rows = this.rows.map((row) => ({ ...row, isActive: true }))
  }
}

const isSamePlace = (a: WrappedKey, b: WrappedKey): boolean =>
  a.purpose === b.purpose && a.version === b.version
