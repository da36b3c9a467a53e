import { useState } from 'react';
import { kindOf, resolve, type Choice, type Kind, type Schema } from '../../schema-kind.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Field, Input, TextArea } from '../../ui/field.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Select } from '../../ui/select.tsx';

type JsonObject = Readonly<Record<string, unknown>>;

interface ControlProps {
  readonly label: string;
  readonly schema: Schema;
  /** The whole schema, which references point into. */
  readonly root: Schema;
  readonly depth: number;
  readonly isRequired: boolean;
  readonly value: unknown;
  /** Undefined leaves the value out. */
  readonly onValue: (value: unknown) => void;
}

interface FieldsProps {
  readonly schema: Schema;
  readonly root?: Schema;
  readonly depth?: number;
  readonly value: unknown;
  readonly onValue: (value: JsonObject) => void;
}

/** The fields of an object, made from its JSON Schema; what no control can ask for is asked for as JSON. */
export function SchemaFields({ schema, root = schema, depth = 0, value, onValue }: FieldsProps) {
  const kind = kindOf(schema, root, depth);
  if (kind.kind !== 'object') {
    return (
      <Field label="Value as JSON">
        <JsonEditor value={value} onValue={(next) => onValue(asObject(next))} rows={4} />
      </Field>
    );
  }
  const values = asObject(value);
  if (kind.fields.length === 0) return <p className="text-sm text-muted">It takes no arguments.</p>;
  return (
    <div className="flex flex-col gap-4">
      {kind.fields.map(({ name, schema: part, isRequired }) => (
        <Control
          key={name}
          label={name}
          schema={part}
          root={root}
          depth={depth + 1}
          isRequired={isRequired}
          value={values[name]}
          onValue={(next) => {
            const { [name]: _former, ...others } = values;
            onValue(next === undefined ? others : { ...values, [name]: next });
          }}
        />
      ))}
    </div>
  );
}

function Control(props: ControlProps) {
  const { label, schema, root, depth, isRequired, value, onValue } = props;
  const resolved = resolve(schema, root);
  const kind = kindOf(schema, root, depth);
  const title =
    typeof resolved['title'] === 'string' && resolved['title'] !== label ? `${label} (${resolved['title']})` : label;
  const shown = isRequired ? `${title} *` : title;
  const { description } = resolved;
  const hint = typeof description === 'string' ? description : undefined;
  if (kind.kind === 'object' || kind.kind === 'list' || kind.kind === 'choices') {
    return (
      <fieldset className="min-w-0 rounded-md border p-3">
        <legend className="px-1 text-sm font-medium">{shown}</legend>
        {hint !== undefined && <p className="mb-2 text-sm text-muted">{hint}</p>}
        {kind.kind === 'object' && (
          <SchemaFields schema={resolved} root={root} depth={depth} value={value} onValue={onValue} />
        )}
        {kind.kind === 'list' && <List {...props} items={kind.items} />}
        {kind.kind === 'choices' && <Choices choices={kind.choices} value={value} onValue={onValue} />}
      </fieldset>
    );
  }
  return (
    <Field label={shown} {...(hint === undefined ? {} : { hint })}>
      <Single kind={kind} {...props} schema={resolved} />
    </Field>
  );
}

function Single({ kind, schema, isRequired, value, onValue }: ControlProps & { kind: Kind }) {
  if (kind.kind === 'choice') return <Choose choices={kind.choices} {...{ isRequired, value, onValue }} />;
  if (kind.kind === 'boolean') return <Choose choices={YES_NO} {...{ isRequired, value, onValue }} />;
  if (kind.kind === 'json') return <JsonEditor value={value} onValue={onValue} rows={3} />;
  if (kind.kind === 'number') {
    return (
      <Input
        type="number"
        step="any"
        value={typeof value === 'number' ? value : ''}
        onText={(text) => onValue(text === '' ? undefined : Number(text))}
      />
    );
  }
  const text = typeof value === 'string' ? value : '';
  const onText = (next: string): void => onValue(next === '' && !isRequired ? undefined : next);
  const isLong = text.includes('\n') || text.length > 80 || Number(schema['maxLength'] ?? 0) > 200;
  return isLong ? <TextArea value={text} rows={4} onText={onText} /> : <Input value={text} onText={onText} />;
}

const YES_NO: readonly Choice[] = [
  { value: true, label: 'yes' },
  { value: false, label: 'no' },
];

interface ChooseProps extends Pick<ControlProps, 'isRequired' | 'value' | 'onValue'> {
  readonly choices: readonly Choice[];
}

function Choose({ choices, isRequired, value, onValue }: ChooseProps) {
  const picked = choices.findIndex((choice) => choice.value === value);
  const options = choices.map(({ label }, index) => ({ value: String(index), label }));
  // Nothing chosen must show as nothing chosen, also where something has to be.
  const none = isRequired && picked >= 0 ? [] : [{ value: '', label: isRequired ? 'Choose …' : 'Leave out' }];
  return (
    <Select
      value={picked < 0 ? '' : String(picked)}
      options={[...none, ...options]}
      onValue={(index) => onValue(index === '' ? undefined : choices[Number(index)]?.value)}
    />
  );
}

function Choices({ choices, value, onValue }: Pick<ChooseProps, 'choices' | 'value' | 'onValue'>) {
  const picked: unknown[] = Array.isArray(value) ? value : [];
  return (
    <div className="flex flex-wrap gap-x-4 gap-y-2">
      {choices.map((choice) => (
        <label key={choice.label} className="flex items-center gap-2">
          <input
            type="checkbox"
            className="accent-accent"
            checked={picked.includes(choice.value)}
            onChange={({ target: { checked } }) =>
              onValue(checked ? [...picked, choice.value] : picked.filter((one) => one !== choice.value))
            }
          />
          {choice.label}
        </label>
      ))}
    </div>
  );
}

function List({ label, items, root, depth, value, onValue }: ControlProps & { items: Schema }) {
  const entries: unknown[] = Array.isArray(value) ? value : [];
  // The place in the list is no name: after a removal the controls would show what belonged to others.
  const [round, setRound] = useState(0);
  return (
    <div className="flex flex-col gap-2">
      {entries.map((entry, index) => (
        <div key={`${round}-${index}`} className="flex items-end gap-2">
          <div className="min-w-0 flex-1">
            <Control
              {...{ root, schema: items, value: entry, isRequired: true }}
              label={`${label} ${index + 1}`}
              depth={depth + 1}
              onValue={(next) => onValue(entries.with(index, next))}
            />
          </div>
          <IconButton
            icon="trash"
            label={`Remove ${label} ${index + 1}`}
            onClick={() => {
              setRound(round + 1);
              onValue(entries.toSpliced(index, 1));
            }}
          />
        </div>
      ))}
      <div>
        <Button icon="plus" onClick={() => onValue([...entries, firstOf(items, root, depth)])}>
          Add to {label}
        </Button>
      </div>
    </div>
  );
}

/** What a new entry begins with. */
function firstOf(items: Schema, root: Schema, depth: number): unknown {
  const { kind } = kindOf(items, root, depth + 1);
  if (kind === 'text') return '';
  if (kind === 'object') return {};
  return kind === 'list' || kind === 'choices' ? [] : null;
}

function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
