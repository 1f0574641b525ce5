internal import ArgumentParser

/// The root of the command line.
struct Tcd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tcd",
        abstract: "Move sealed envelopes between hosts and agents, so that nothing is lost and nothing is forged.",
        discussion: """
            An envelope is a file, a directory or standard input, compressed and signed once, whichever transport \
            carries it. 'send' seals and delivers, 'recv' receives and verifies; 'seal', 'verify', 'inspect' and \
            'unpack' work on envelopes as files; 'resolve', 'trust' and 'doctor' answer questions about the way.

            Results go to standard output, everything else to standard error. With --json each result is one JSON \
            object on a line of its own.

            EXIT STATUS
              0  done                          69  service or host unavailable
              1  verify: invalid               70  internal error
                 doctor: something failed
              2  verify: valid, needs triage   73  cannot create the output
                 recv: nothing came            74  reading or writing failed
              3  recv: fewer than asked        75  try again later
              64 usage                         77  refused
              65 bad data                      78  configuration
              66 no input                      130 interrupted

            ENVIRONMENT
              TIBET_IDENTITY    the identity directory
              TIBET_STATE       the directory of the outbox and of the names that were used
              TIBET_CARRIER_PATH            where plug-ins are looked for before PATH
              TIBET_HTTP_REQUIRE_AUTH       'recv' takes signed deliveries only
              TIBET_HTTP_TRUSTED_PUBKEYS    whose deliveries 'recv' takes
              TIBET_HTTP_MAX_SIG_AGE_SEC    how old a signature may be
              TIBET_HTTP_TIMEOUT            how long 'send' waits when nothing moves, in seconds
              TIBET_AINS_API_URL            the address of AINS, below which it has its names
              TIBET_AINS_API_TIMEOUT        how long a look-up may take, in seconds
              TIBET_AINS_SSH_USER, TIBET_AINS_DEFAULT_INBOX, TIBET_HTTP_PORT, TIBET_MUX_SERVER
                                what holds for names that nobody knows
              TIBET_ROUTES      the file of routes
              TIBET_HUB_...     what 'tcd hub' serves and keeps; 'tcd config explain' has all of them
              http_proxy, https_proxy, no_proxy
                                the proxies that 'send' uses
            """,
        version: Version.text,
        subcommands: [
            Send.self, Recv.self, Ack.self, Heartbeat.self, OutboxCommand.self, Why.self, ReceiptCommand.self,
            Resolve.self, Trust.self, Doctor.self, CarrierCommand.self, HubCommand.self, Seal.self, Verify.self,
            Inspect.self,
            Unpack.self, IdentityCommand.self, ConfigCommand.self, Completions.self, VersionCommand.self,
        ])
}

/// The version of this program.
enum Version {
    static let number = "0.1.0"
    static let text = "tcd " + number
}

/// `tcd version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @OptionGroup var output: OutputOptions

    func run() throws {
        if output.json {
            Terminal.say(JSONLine([("name", "tcd"), ("version", .text(Version.number))]))
        } else {
            Terminal.say(Version.text)
        }
    }
}
