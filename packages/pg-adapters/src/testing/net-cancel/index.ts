export { NetCancelGateway } from './net-cancel-gateway.ts';
export {
  type ApproveStep,
  NetCancelPg,
  type NetCancelPgPayment,
  type NetCancelStep,
  type RefundStep,
} from './net-cancel-pg.ts';
