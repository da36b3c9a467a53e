type JsonObject = Record<string, unknown>;

/** A made-up server of the kind that people register, with all its tools. */
export interface CorpusServer {
  readonly name: string;
  readonly tools: readonly CorpusTool[];
}

/** A tool as a server lists it. */
export interface CorpusTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

/** Servers, what they are about, and the things that they know; ten or so of each make thousands of tools. */
const SERVERS: Readonly<Record<string, readonly [about: string, things: string]>> = {
  github: ['GitHub', 'issue, pull request, repository, branch, commit, release, workflow run, label, milestone, gist'],
  gitlab: ['GitLab', 'merge request, project, pipeline, job, issue, snippet, runner, environment, tag, epic'],
  jira: ['Jira', 'ticket, sprint, board, epic, worklog, component, filter, attachment, transition, watcher'],
  linear: ['Linear', 'issue, cycle, team, project, roadmap, comment, label, view, document, initiative'],
  slack: ['Slack', 'message, channel, thread, user, reaction, file, reminder, bookmark, user group, canvas'],
  discord: ['Discord', 'guild, channel, message, role, member, invite, emoji, webhook, event, sticker'],
  gmail: ['Gmail', 'email, draft, label, thread, attachment, filter, signature, vacation responder, alias, contact'],
  outlook: [
    'Outlook',
    'mail, folder, rule, calendar event, contact, meeting room, task, category, attachment, delegate',
  ],
  calendar: [
    'Google Calendar',
    'event, calendar, attendee, reminder, availability, recurrence, colour, room, invitation, setting',
  ],
  drive: [
    'Google Drive',
    'file, folder, permission, revision, comment, shared drive, shortcut, export, change, upload',
  ],
  sheets: [
    'Google Sheets',
    'spreadsheet, cell range, row, column, chart, pivot table, formula, named range, filter view, tab',
  ],
  notion: [
    'Notion',
    'page, database, block, comment, property, view, workspace user, template, relation, synced block',
  ],
  confluence: [
    'Confluence',
    'page, space, blog post, attachment, label, comment, template, restriction, version, macro',
  ],
  postgres: ['PostgreSQL', 'table, query, index, schema, view, role, extension, migration, lock, replication slot'],
  mysql: ['MySQL', 'table, query, database, stored procedure, trigger, user, binary log, partition, event, variable'],
  mongodb: [
    'MongoDB',
    'collection, document, aggregation, index, database, shard, replica, change stream, validator, user',
  ],
  redis: ['Redis', 'key, hash, list, set, stream, sorted set, channel, script, cluster node, snapshot'],
  elastic: [
    'Elasticsearch',
    'index, document, mapping, alias, pipeline, snapshot, shard, template, search query, role',
  ],
  s3: [
    'Amazon S3',
    'bucket, object, policy, lifecycle rule, multipart upload, tag, version, presigned url, inventory, website',
  ],
  ec2: [
    'Amazon EC2',
    'instance, volume, security group, key pair, image, snapshot, address, subnet, launch template, spot request',
  ],
  lambda: [
    'AWS Lambda',
    'function, layer, alias, event source, concurrency limit, version, permission, url, log, trigger',
  ],
  cloudwatch: [
    'Amazon CloudWatch',
    'alarm, metric, log group, dashboard, log stream, insight query, event rule, canary, anomaly detector, subscription',
  ],
  gcp: [
    'Google Cloud',
    'project, virtual machine, bucket, service account, firewall rule, network, disk, image, quota, billing account',
  ],
  azure: [
    'Microsoft Azure',
    'resource group, virtual machine, storage account, key vault, subscription, app service, container registry, function app, network, policy',
  ],
  kubernetes: [
    'Kubernetes',
    'pod, deployment, service, namespace, config map, secret, node, ingress, job, volume claim',
  ],
  docker: ['Docker', 'container, image, volume, network, compose stack, registry, build, log, secret, swarm service'],
  terraform: ['Terraform', 'workspace, run, plan, state, variable, module, provider, policy set, organization, output'],
  datadog: [
    'Datadog',
    'monitor, dashboard, metric, log, trace, incident, synthetic test, downtime, host, service objective',
  ],
  grafana: [
    'Grafana',
    'dashboard, panel, datasource, alert rule, folder, annotation, contact point, playlist, snapshot, team',
  ],
  sentry: ['Sentry', 'error, issue, event, release, project, alert, replay, transaction, team, debug file'],
  pagerduty: [
    'PagerDuty',
    'incident, on-call schedule, escalation policy, service, alert, responder, maintenance window, postmortem, user, override',
  ],
  stripe: ['Stripe', 'payment, customer, invoice, subscription, refund, product, price, coupon, payout, dispute'],
  paypal: [
    'PayPal',
    'order, payment, payout, dispute, invoice, subscription plan, refund, webhook, balance, transaction',
  ],
  shopify: [
    'Shopify',
    'product, order, customer, inventory level, discount, collection, fulfillment, cart, theme, gift card',
  ],
  salesforce: ['Salesforce', 'lead, opportunity, account, contact, case, campaign, report, quote, contract, task'],
  hubspot: ['HubSpot', 'contact, company, deal, ticket, form, email campaign, list, workflow, note, meeting'],
  zendesk: [
    'Zendesk',
    'ticket, user, organization, macro, trigger, view, article, satisfaction rating, comment, group',
  ],
  intercom: ['Intercom', 'conversation, contact, article, segment, tag, admin, note, data event, company, news item'],
  twilio: [
    'Twilio',
    'sms message, phone call, phone number, recording, conference, verification, queue, whatsapp message, address, sip trunk',
  ],
  sendgrid: [
    'SendGrid',
    'email, template, contact list, suppression, sender, campaign, statistic, webhook, domain, segment',
  ],
  figma: ['Figma', 'file, component, style, comment, frame, project, team library, variable, version, image'],
  airtable: ['Airtable', 'base, table, record, field, view, attachment, comment, webhook, automation, form'],
  asana: ['Asana', 'task, project, section, portfolio, goal, tag, story, custom field, team, milestone'],
  trello: ['Trello', 'card, board, list, checklist, label, member, comment, attachment, webhook, power-up'],
  zoom: ['Zoom', 'meeting, webinar, recording, participant, user, registrant, poll, report, room, phone line'],
  wordpress: ['WordPress', 'post, page, comment, category, tag, media file, plugin, theme, user, menu'],
  spotify: ['Spotify', 'playlist, track, album, artist, episode, show, device, queue, playback, audiobook'],
  maps: [
    'Google Maps',
    'place, route, geocode, distance matrix, elevation, time zone, street view, review, photo, traffic',
  ],
  weather: [
    'Weather',
    'forecast, current condition, alert, air quality, historical record, radar, tide, uv index, pollen count, storm track',
  ],
  filesystem: [
    'local disk',
    'file, directory, symbolic link, archive, permission, checksum, trash item, mount, temporary file, watch',
  ],
};

const id = { type: 'string', description: 'Identifier.' };
const VERBS: Readonly<Record<string, readonly [says: string, properties: JsonObject]>> = {
  create: ['Create a new', { title: { type: 'string' }, description: { type: 'string' } }],
  get: ['Get the details of a', { id, fields: { type: 'array', items: { type: 'string' } } }],
  list: ['List every', { page: { type: 'integer' }, per_page: { type: 'integer', default: 30 } }],
  update: ['Change an existing', { id, changes: { type: 'object' } }],
  delete: ['Permanently remove a', { id, confirm: { type: 'boolean' } }],
  search: [
    'Find by words a',
    { query: { type: 'string' }, sort: { type: 'string', enum: ['newest', 'oldest', 'best'] } },
  ],
  export: ['Write to a download a', { id, format: { type: 'string', enum: ['csv', 'json', 'pdf'] } }],
  archive: ['Put away, without deleting it, a', { id, reason: { type: 'string' } }],
  share: [
    'Give other people access to a',
    { id, people: { type: 'array', items: { type: 'string' } }, role: { type: 'string' } },
  ],
  watch: ['Subscribe to changes of a', { id, callback_url: { type: 'string', format: 'uri' } }],
};

/** 50 servers with 100 tools each, always the same. */
export function corpusServers(): CorpusServer[] {
  return Object.entries(SERVERS).map(([name, [about, things]]) => ({
    name,
    tools: things.split(', ').flatMap((thing) =>
      Object.entries(VERBS).map(([verb, [says, properties]]) => ({
        name: `${verb}_${thing.replaceAll(/[ -]/g, '_')}`,
        description: `${says} ${thing} in ${about}. Needs an account that may do so.`,
        inputSchema: {
          type: 'object',
          properties: { ...properties, [`${thing.replaceAll(/[ -]/g, '_')}_type`]: { type: 'string' } },
          required: Object.keys(properties).slice(0, 1),
        },
      })),
    ),
  }));
}
