/** Who calls on a merchant's path: the merchant of the secret key, in the key's mode. */
export interface Principal {
  readonly merchantId: string;
  readonly livemode: boolean;
  readonly keyId: string;
  readonly suspended: boolean;
  readonly apiVersion: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
  }
}
