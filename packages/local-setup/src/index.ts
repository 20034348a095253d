export { accountSecrets } from './account-secrets.ts';
export { keepMerchants, type Merchant } from './merchants.ts';
export { keepSecrets, operatorPublicKey, type Secrets, signOperatorToken } from './secrets.ts';
export { writeWhole } from './write-whole.ts';
