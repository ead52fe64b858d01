/** Thrown through the guest to end it; a guest without exceptions cannot hold it up. */
export class GuestExit extends Error {
  override readonly name = 'GuestExit'
  readonly reason:
    | { readonly kind: 'exited'; readonly code: number }
    | { readonly kind: 'output' }
    | { readonly kind: 'fuel' }

  constructor(reason: GuestExit['reason']) {
    super(reason.kind)
    this.reason = reason
  }
}
