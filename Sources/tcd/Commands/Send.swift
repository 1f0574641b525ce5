internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// `tcd send`
struct Send: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seal something and deliver it.",
        discussion: """
            The envelope is sealed once into the outbox, on stable storage, before the first byte leaves. It is removed \
            when the receiver has confirmed that it holds it durably. If delivery fails it stays there, and the message \
            says how to send the very same envelope again.

            TARGETS
              http://HOST:PORT, https://HOST:PORT   an HTTP inbox, for example 'tcd recv'
              DIRECTORY (with a slash in it)        a directory of this machine
            """)

    @Argument(help: ArgumentHelp("What to send: a file or a directory; '-' for standard input.", valueName: "path"))
    var path: String

    @Option(name: .long, help: ArgumentHelp("Where to deliver it.", valueName: "target"))
    var to: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How to carry it: http, local, or the name of a plug-in. Default: by the target.", valueName: "name"))
    var transport: String?

    @Flag(name: .long, help: "The path is an envelope already: send it as it is, under its own name.")
    var sealed = false

    @Flag(name: .long, help: "Seal and show what would be sent, without sending it.")
    var dryRun = false

    @OptionGroup(title: "Envelope") var envelope: EnvelopeOptions
    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup(title: "HTTP") var http: HTTPOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let route = try Composition.route(to: to, transport: transport)
        try http.check()
        if !sealed { try envelope.check(path) }
        let sender = try identity.loadOrCreate(output: output)
        let name = try identity.name(of: sender)
        let composition = Composition(http: try http.configuration(for: sender, name: name))
        guard let carrier = try await composition.carrier(for: route.scheme) else {
            throw UsageError("no carrier takes '\(route)'")
        }
        let start = ContinuousClock.now
        let parcel = try await Blocking.run { [self] in
            try sealed ? Parcel(sealed: path) : Parcel(sealing: path, as: sender, name: name, for: self)
        }
        if let report = parcel.spooled?.report { Warnings.show(report) }
        Interruption.advise(UndeliveredError.remedy(for: parcel, target: to))
        output.explain("sealed as \(parcel.envelope.name), sha256 \(parcel.envelope.digest.hex)")
        if dryRun {
            Interruption.advise(nil)
            try parcel.discard()
            SendReport(self, parcel, route: route, receipt: nil, time: .now - start, delivery: .zero)
                .tell(json: output.json)
            return
        }
        let departure = ContinuousClock.now
        let receipt = try await deliver(parcel, by: carrier, along: route)
        Interruption.advise(nil)
        let delivery = ContinuousClock.now - departure
        SendReport(self, parcel, route: route, receipt: receipt, time: .now - start, delivery: delivery)
            .tell(json: output.json)
        do {
            try parcel.settle()
        } catch {
            Terminal.note("delivered, but not taken out of the outbox: \(error)")
        }
    }

    private func deliver(_ parcel: Parcel, by carrier: any Carrier, along route: Route) async throws -> DeliveryReceipt
    {
        let bar = ProgressBar("sending", quiet: output.json)
        defer { bar.finish() }
        do {
            return try await carrier.deliver(
                parcel.envelope, along: route, reporting: bar.sink(total: parcel.envelope.size))
        } catch {
            bar.finish()
            throw UndeliveredError(error, parcel: parcel, target: to)
        }
    }
}

/// What is to be sent, and where it lies until it is.
struct Parcel: Sendable {
    /// What the carrier is given.
    let envelope: SealedEnvelope
    /// The transfer id.
    let transferID: TransferID
    /// The number of content bytes; nil for an envelope that was sealed elsewhere without saying.
    let contentBytes: Int64?
    /// The envelope in the outbox; nil for one that the caller keeps.
    let spooled: Spooled?
    /// Where the envelope lies.
    let path: FilePath

    private let spool: Spool

    /// Seals `path` into the outbox.
    init(sealing path: String, as sender: Identity, name: String, for command: Send) throws {
        let moment = Timestamp.now()
        let surface = try command.envelope.surface(at: moment)
        guard let surfaceName = surface.arrivalName else { throw UsageError("the surface gives no usable name") }
        let options = try command.envelope.options(senderName: name, surface: surface, at: moment)
        let spool = try Spool(state: HostDirectories.current().state())
        let bar = ProgressBar("sealing", quiet: command.output.json)
        defer { bar.finish() }
        let sealer = Sealer(key: sender.key, options: options) { bar.update($0, of: $1) }
        let spooled = try spool.seal(command.envelope.input(path), as: surfaceName, with: sealer, at: moment)
        self.spool = spool
        self.spooled = spooled
        envelope = spooled.envelope
        transferID = spooled.report.transferID
        contentBytes = spooled.report.contentBytes
        self.path = spooled.path
    }

    /// Takes the envelope in the file at `path`, verified up to its manifest, under its own or its canonical name.
    init(sealed path: String) throws {
        let file = FilePath(path)
        let opened = try EnvelopeFile(path: file)
        if let fault = try opened.verifyBlocks().faults.first { throw EnvelopeError.fault(fault) }
        let ownName = file.lastComponent.flatMap { ArrivalName($0.string) }
        guard let name = ownName ?? opened.manifest.surface.canonicalName(today: .now()) else {
            throw UsageError("'\(path)' has no name that it could be delivered under", remedy: "rename it")
        }
        envelope = try SealedEnvelope(hashing: file, name: name)
        transferID = opened.manifest.transferID
        contentBytes = opened.manifest.decodedSize.map { Int64(clamping: $0) }
        self.path = file
        spool = try Spool(state: HostDirectories.current().state())
        spooled = nil
    }

    /// Takes the envelope out of the outbox, because the receiver holds it. One that lies elsewhere stays.
    func settle() throws { try spool.remove(ifSpooled: path) }

    /// Takes the envelope out of the outbox if it was sealed just now, although nobody received it.
    func discard() throws {
        if let spooled { try spool.remove(spooled) }
    }
}

/// A delivery that failed, with what to do about the envelope that now waits.
struct UndeliveredError: ExplainedError {
    private let error: CarrierError
    private let parcel: Parcel
    private let target: String

    init(_ error: CarrierError, parcel: Parcel, target: String) {
        self.error = error
        self.parcel = parcel
        self.target = target
    }

    var category: FailureCategory { error.category }
    var explanation: String { error.explanation }

    /// What to do about an envelope that could not be delivered, for whatever reason.
    static func remedy(for parcel: Parcel, target: String) -> String {
        "the envelope is kept; send it again with 'tcd send --sealed \(parcel.path) --to \(target)'"
    }

    var remedy: String? {
        let again = Self.remedy(for: parcel, target: target)
        return error.remedy.map { "\($0); \(again)" } ?? again
    }
}
