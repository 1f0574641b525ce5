internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// `tcd send`
struct Send: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seal something and deliver it.",
        discussion: """
            The envelope is sealed once into the outbox, on stable storage, before the first byte leaves. It is removed \
            when the receiver has confirmed as much as was asked for. If delivery fails it stays there, is tried again \
            by 'tcd outbox drain', and the message says when; the exit status is 75 then.

            TARGETS
              http://HOST:PORT, https://HOST:PORT   an HTTP inbox, for example 'tcd recv'
              DIRECTORY (with a slash in it)        a directory of this machine
            """)

    @Argument(help: ArgumentHelp("What to send: a file or a directory; '-' for standard input.", valueName: "path"))
    var path: String

    @Option(name: .long, help: ArgumentHelp("Where to deliver it.", valueName: "target"))
    var to: String

    @Option(
        name: .long, help: ArgumentHelp("How to carry it: http or local. Default: by the target.", valueName: "name"))
    var transport: String?

    @Flag(name: .long, help: "The path is an envelope already: send it as it is, under its own name.")
    var sealed = false

    @Flag(name: .long, help: "Seal and show what would be sent, without sending it.")
    var dryRun = false

    @Flag(name: .long, help: "Return once the envelope is queued on stable storage; 'tcd outbox drain' delivers it.")
    var queue = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "What to wait for: accepted, stored, verified or acknowledged (by an envelope that the receiver sealed).",
            valueName: "receipt"))
    var wait = "accepted"

    @Option(
        name: .long,
        help: ArgumentHelp("Keep trying and waiting for so long. Default: one attempt.", valueName: "seconds"))
    var timeout: Double?

    @Option(
        name: .long,
        help: ArgumentHelp("Give up when it was not delivered for so long. Default: never.", valueName: "seconds"))
    var expires: Double?

    @OptionGroup(title: "Envelope") var envelope: EnvelopeOptions
    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup(title: "HTTP") var http: HTTPOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let route = try Composition.route(to: to, transport: transport)
        guard let wanted = WantedReceipt(wait) else {
            let names = WantedReceipt.allCases.map(\.description).joined(separator: ", ")
            throw UsageError("'\(wait)' is no receipt to wait for", remedy: "use one of \(names)")
        }
        let limit = try timeout.map { try Seconds.duration($0, of: "--timeout") }
        let lifetime = try expires.map { try Seconds.duration($0, of: "--expires") }
        try http.check()
        if !sealed { try envelope.check(path) }
        let sender = try identity.loadOrCreate(output: output)
        let name = try identity.name(of: sender)
        let composition = Composition(http: try http.configuration(for: sender, name: name))
        let start = ContinuousClock.now
        let outbox = try await Blocking.run { try Outbox.current() }
        let expiry = lifetime.map { Timestamp(seconds: Timestamp.now().seconds + max(1, $0.components.seconds)) }
        let target = try Composition.target(to, transport: transport)
        let order = DeliveryOrder(target, wanted: wanted, expiry: expiry)
        let parcel = try await Blocking.run { [self] in
            let orders = dryRun ? [] : [order]
            return try sealed
                ? outbox.enqueue(FilePath(path), orders: orders)
                : seal(into: outbox, as: sender, name: name, orders: orders)
        }
        if let report = parcel.report { Warnings.show(report) }
        output.explain("sealed as \(parcel.envelope.name), sha256 \(parcel.envelope.digest.hex)")
        guard let entry = parcel.entries.first, !queue else {
            SendReport(self, parcel, route: route, receipt: nil, time: .now - start, delivery: .zero)
                .tell(json: output.json)
            return
        }
        Interruption.advise("the envelope is queued as \(entry.id); 'tcd outbox drain' sends it")
        let dispatcher = Dispatcher(
            outbox: outbox, planner: DirectPlanner(), carrier: composition.carriers(),
            report: DispatchNotes.show(output))
        let outcome = try await deliver(entry, by: dispatcher, within: limit)
        Interruption.advise(nil)
        guard let receipt = outcome.receipt, outcome.entry.state == .delivered else {
            throw UndeliveredError(outcome)
        }
        SendReport(
            self, parcel, route: route, receipt: receipt, time: .now - start, delivery: outcome.time
        ).tell(json: output.json)
    }

    private func seal(
        into outbox: Outbox, as sender: Identity, name: String, orders: [DeliveryOrder]
    ) throws -> SealedEntry {
        let moment = Timestamp.now()
        let surface = try envelope.surface(at: moment)
        guard let surfaceName = surface.arrivalName else { throw UsageError("the surface gives no usable name") }
        let options = try envelope.options(senderName: name, surface: surface, at: moment)
        let bar = ProgressBar("sealing", quiet: output.json)
        defer { bar.finish() }
        let sealer = Sealer(key: sender.key, options: options) { bar.update($0, of: $1) }
        return try outbox.seal(envelope.input(path), as: surfaceName, with: sealer, at: moment, orders: orders)
    }

    /// Tries until it is delivered, needs a person, or the time is up; once, where no time was given.
    private func deliver(
        _ entry: OutboxEntry, by dispatcher: Dispatcher, within limit: Duration?
    ) async throws -> DispatchOutcome {
        let deadline = ContinuousClock.now + (limit ?? .zero)
        let bar = ProgressBar("sending", quiet: output.json)
        defer { bar.finish() }
        while true {
            var outcome = try await dispatcher.attempt(entry.id, reporting: bar.sink(total: entry.size))
            if outcome.entry.state == .sending {
                // A drain was quicker to take it up. Should it die, the next attempt takes it over.
                _ = try await dispatcher.outbox.wait(for: entry.id, within: .seconds(5)) { $0.state != .sending }
                continue
            }
            if outcome.receipt == nil { outcome = try outcome.followed(by: outcome.entry, in: dispatcher.outbox) }
            let left = deadline - .now
            guard left > .zero else { return outcome }
            switch outcome.entry.state {
            case .queued:
                let pause = Duration.seconds((outcome.entry.nextAttempt?.seconds ?? 0) - Timestamp.now().seconds)
                try await Task.sleep(for: min(left, max(.milliseconds(100), pause)))
            case .waiting:
                let outbox = dispatcher.outbox
                let settled = try await outbox.wait(for: entry.id, within: left) { $0.state != .waiting }
                return try outcome.followed(by: settled, in: outbox)
            default: return outcome
            }
        }
    }
}

extension DispatchOutcome {
    /// The same, as it stands after others went on with it.
    fileprivate func followed(by entry: OutboxEntry, in outbox: Outbox) throws -> DispatchOutcome {
        let receipts = try outbox.detail(entry.id).receipts.compactMap { stored -> DeliveryReceipt? in
            guard case .carrier(let receipt) = stored.source else { return nil }
            return receipt
        }
        return DispatchOutcome(entry: entry, receipt: receipts.last ?? receipt, failure: failure, time: time)
    }
}

/// A delivery that did not come to what was asked for, with what becomes of the envelope now.
struct UndeliveredError: ExplainedError {
    private let entry: OutboxEntry
    private let failure: CarrierError?

    init(_ outcome: DispatchOutcome) {
        entry = outcome.entry
        failure = outcome.failure
    }

    var category: FailureCategory {
        switch entry.state {
        case .queued, .waiting, .sending: .tryLater
        default: failure?.category ?? .refused
        }
    }

    var explanation: String {
        if entry.state == .waiting { return "delivered, and not confirmed as '\(entry.wanted)' yet" }
        return failure?.explanation ?? entry.reason ?? "'\(entry.id)' is \(entry.state.rawValue)"
    }

    var remedy: String? {
        let standing =
            switch entry.state {
            case .queued:
                "the envelope stays queued as \(entry.id); 'tcd outbox drain' tries it again"
                    + (entry.nextAttempt.map { " from \($0.iso8601)" } ?? "")
            case .held: "the envelope is held as \(entry.id); then 'tcd outbox retry \(entry.id)'"
            case .quarantined: "the envelope is kept as \(entry.id); look at 'tcd why \(entry.id)'"
            default: "look at 'tcd why \(entry.id)'"
            }
        return failure?.remedy.map { "\($0); \(standing)" } ?? standing
    }
}
