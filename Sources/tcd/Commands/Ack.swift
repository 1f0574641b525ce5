internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// `tcd ack`
struct Ack: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Acknowledge an envelope with one that you sign.",
        discussion: """
            REF is the name of the envelope, or the received file itself. Of a file, which is verified first, the \
            acknowledgement also names the transfer id and the digest: then it is a receipt that a third party can \
            check, and that nobody can take for another envelope's. The sender takes it in with 'tcd receipt verify', \
            or by itself where it waits with 'tcd send --wait acknowledged'.
            """)

    @Argument(help: ArgumentHelp("The envelope to acknowledge: its name, or its file.", valueName: "ref"))
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
        let referenced = try await Blocking.run { try Referenced(reference) }
        var courier = try Courier(delivery, dispatch, output: output)
        courier.headline = "✓ ACK: \(referenced.shortID) → \(delivery.to)"
        let moment = Timestamp.now()
        var fields: [(key: String, value: ControlPayload.Value)] = [
            ("kind", .text("ack")), ("version", .text("v0.5.8")), ("referenced", .text(referenced.name)),
            ("ack_timestamp_iso", .text(moment.iso8601)), ("ack_note", .text(note)),
        ]
        if let transferID = referenced.transferID { fields.append(("referenced_tpid", .text(transferID.text))) }
        if let digest = referenced.digest { fields.append(("referenced_sha256", .text(digest.hex))) }
        let (surface, plain) = try control.surface(
            context: "ack-of-\(referenced.shortID)", priority: surfacePriority, senderName: courier.senderName,
            at: moment)
        var options = plain
        options.causalParent = referenced.digest
        try await courier.send(.content(ControlPayload(fields).input("tcd-ack"), surface, options))
    }
}

/// The envelope that an acknowledgement is about.
private struct Referenced {
    /// Its name.
    let name: String
    /// Its transfer id and digest, where its file is there.
    let transferID: TransferID?
    let digest: Digest?

    /// The first 12 letters or digits of its name. Others than ASCII's make no surface name, so they are left out
    /// (`daemon.md`, section 14).
    var shortID: String {
        let short = name.lowercased().utf8.filter {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        return short.isEmpty ? "unknown" : String(decoding: short.prefix(12), as: UTF8.self)
    }

    init(_ reference: String) throws {
        guard !reference.isEmpty, !reference.utf8.contains(0) else { throw UsageError("the reference is empty") }
        let path = FilePath(reference)
        name = path.lastComponent?.string ?? reference
        guard Self.isFile(path) else {
            guard !reference.contains("/") else {
                throw UsageError(
                    "there is no file '\(reference)'", remedy: "give the received file, or the envelope's name")
            }
            (transferID, digest) = (nil, nil)
            return
        }
        let envelope = try EnvelopeFile(path: path)
        if let fault = try envelope.verifyBlocks().faults.first { throw EnvelopeError.fault(fault) }
        transferID = envelope.manifest.transferID
        digest = try envelope.digest()
    }

    private static func isFile(_ path: FilePath) -> Bool { (try? FileSource(path: path)) != nil }
}
