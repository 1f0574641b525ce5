internal import ArgumentParser
internal import Fabric
internal import FoundationEssentials
internal import SystemPackage

/// `tcd ack`
struct Ack: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Acknowledge an envelope with one that you sign.",
        discussion: """
            REF is the name of the envelope, or the received file itself. Of a file, which is verified first, the \
            acknowledgement also names the transfer id and the digest: then it is a receipt that a third party can \
            check, and that nobody can take for another envelope's. The sender takes it in with 'tcd receipt record', \
            which also ends a 'tcd send --wait acknowledged' that waits for it.
            """)

    @Argument(
        help: ArgumentHelp("The envelope to acknowledge: its name, or its file.", valueName: "ref"), completion: .file()
    )
    var reference: String

    @OptionGroup(title: "Delivery") var delivery: DeliveryOptions

    @Option(name: .long, help: ArgumentHelp("Something to tell the sender.", valueName: "text"))
    var note = ""

    @OptionGroup(title: "Envelope") var control: ControlOptions

    @Option(name: .long, help: ArgumentHelp("How soon it wants attention.", valueName: "text"))
    var surfacePriority = "background"

    @OptionGroup var dispatch: DispatchOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try delivery.check()
        try dispatch.check()
        let reference = reference
        let referenced = try await Blocking.run { try Self.referenced(reference) }
        var courier = try Courier(delivery, dispatch, output: output)
        courier.headline = "✓ ACK: \(referenced.shortID) → \(delivery.to)"
        let moment = Timestamp.now()
        let payload = ControlPayload.acknowledgement(of: referenced, note: note, at: moment)
        let (surface, plain) = try control.surface(
            context: payload.context, priority: surfacePriority, senderName: courier.senderName, at: moment)
        var options = plain
        options.causalParent = referenced.digest
        try await courier.send(.content(payload.input(), surface, options))
    }

    /// The envelope in the file of that name, or the one that is only called so.
    private static func referenced(_ reference: String) throws -> ReferencedEnvelope {
        guard !reference.isEmpty, !reference.utf8.contains(0) else { throw UsageError("the reference is empty") }
        if FileManager.default.fileExists(atPath: reference) {
            return try ReferencedEnvelope(file: FilePath(reference))
        }
        guard !reference.contains("/") else {
            throw UsageError(
                "there is no file '\(reference)'", remedy: "give the received file, or the envelope's name")
        }
        return ReferencedEnvelope(name: reference)
    }
}
