import { useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { clockText, dateText, durationText } from '../../model/duration-text.ts';
import { hrefOf } from '../app/location.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { Loading } from '../ui/states.tsx';
import { t } from '../texts.ts';
import { openedFile, openFile } from './opened-file.ts';
import css from './page.module.css';

/** Opening a file, and the traces in it. */
export function FilePage(): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const file = openedFile.value;
  return (
    <div class={css.page}>
      <div class={css.intro}>
        <span class={css.icon}>
          <Icon name="upload" size={22} />
        </span>
        <h1 class={css.title}>{t.filePage.title}</h1>
        <p class={css.text}>{t.filePage.text}</p>
        <div class={css.choose}>
          <Button kind="primary" onClick={() => input.current?.click()}>
            {t.filePage.choose}
          </Button>
          <span>{t.filePage.drop}</span>
        </div>
        <input
          ref={input}
          type="file"
          accept=".json,application/json,.jsonl,.ndjson"
          class="visually-hidden"
          tabIndex={-1}
          aria-label={t.filePage.choose}
          onChange={(event) => {
            const chosen = event.currentTarget.files?.[0];
            if (chosen !== undefined) void openFile(chosen);
          }}
        />
      </div>
      {file?.state === 'reading' && <Loading label={`${t.filePage.reading} ${file.name}`} />}
      {file?.state === 'failed' && (
        <div class={css.failed} role="alert">
          <Icon name="error" />
          <div>
            <strong>
              {t.filePage.failed}: <bdi>{file.name}</bdi>
            </strong>
            <p>{file.error instanceof Error ? file.error.message : String(file.error)}</p>
          </div>
        </div>
      )}
      {file?.state === 'open' && (
        <section class={css.traces}>
          <h2>{file.traces.length === 0 ? t.filePage.none : t.filePage.holds(file.name, file.traces.length)}</h2>
          {file.rejected > 0 && (
            <p class={css.rejected}>
              <Icon name="warn" size={14} />
              {t.filePage.rejected(file.rejected, file.reason ?? '')}
            </p>
          )}
          <ol>
            {file.traces.map((trace) => (
              <li key={trace.index}>
                <a class={css.trace} href={hrefOf(`open/${trace.index}`)}>
                  <span class={css.root}>
                    <span class={css.service}>{trace.service}</span> <bdi>{trace.resource}</bdi>
                  </span>
                  <span>{durationText(trace.durationUs)}</span>
                  <span>{t.spans(trace.spans)}</span>
                  <span class={css.errors}>{trace.errors > 0 && t.errors(trace.errors)}</span>
                  <span class={css.muted}>
                    {dateText(trace.startUnixUs)}, {clockText(trace.startUnixUs)}
                  </span>
                </a>
              </li>
            ))}
          </ol>
        </section>
      )}
    </div>
  );
}
