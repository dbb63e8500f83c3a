/** Whose decision it is, in the audit, when the running service decides by itself. */
export const serviceName = 'cloud service';
