import { type Sealing, SealingError } from '@sallyport/engine/ports/sealing';

/** Sealing needs chance and threads that no seed rules. The simulated vendor names no key to seal to, so none is asked for. */
export const noSealing: Sealing = {
  generate: refused,
  publicKeyOf: refused,
  seal: refused,
  open: refused,
};

function refused(): never {
  throw new SealingError('NOT_A_KEY', 'nothing is sealed in the simulator');
}
