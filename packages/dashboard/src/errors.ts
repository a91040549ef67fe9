/** Codes of the errors that this package throws. */
export const DashboardErrors = {
  /** The built files are not where they should be: `pnpm build` makes them, the npm package holds them. */
  notBuilt: 'FORGE_DASHBOARD_NOT_BUILT',
} as const;
