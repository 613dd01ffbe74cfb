// The SCRAM client of the `pg` package (RFC 5802, RFC 7677), which it ships without types.
declare module 'pg/lib/crypto/sasl' {
  interface SaslSession {
    readonly mechanism: string
    readonly response: string
  }
  const sasl: {
    startSession(mechanisms: readonly string[]): SaslSession
    continueSession(session: SaslSession, password: string, serverData: string): Promise<void>
    finalizeSession(session: SaslSession, serverData: string): void
  }
  export default sasl
}
