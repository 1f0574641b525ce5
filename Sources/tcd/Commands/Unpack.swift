internal import ArgumentParser
internal import Fabric
internal import Glibc
internal import SystemPackage

/// `tcd unpack`
struct Unpack: ParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify an envelope and unpack it.",
        discussion: """
            Everything is verified and written beside the target first, and gets its name only when all is well. \
            Nothing that exists is ever replaced. On any error nothing is left behind.
            """)

    @Argument(help: ArgumentHelp("The envelope to unpack.", valueName: "file"), completion: .file())
    var file: String

    @Option(
        name: [.customShort("d"), .customLong("directory")],
        help: ArgumentHelp("Where to unpack; created if missing.", valueName: "dir"), completion: .directory)
    var directory = "."

    @Option(
        name: .customLong("sender-key"),
        help: ArgumentHelp("A public key that must have signed, 64 hexadecimal digits. Repeatable.", valueName: "hex"))
    var senderKeys: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("Refuse contents larger than this, for example 10G.", valueName: "size"))
    var maxSize: String?

    @Flag(name: .long, help: "Make symbolic links even if they lead out of the unpacked directory.")
    var allowOutsideLinks = false

    @OptionGroup var pins: PinOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        var unpacker = Unpacker()
        unpacker.allowsOutsideLinks = allowOutsideLinks
        if let maxSize {
            guard let limit = Quantity.parseBytes(maxSize) else {
                throw UsageError("--max-size '\(maxSize)' is not a size", remedy: "write for example 512M or 10G")
            }
            unpacker.limits.unpackedBytes = UInt64(limit)
        }
        let keys = try PinnedKeys.parse(senderKeys)
        let signers = try pins.signers()
        let envelope = try EnvelopeFile(path: FilePath(file))
        guard keys.isEmpty || keys.contains(envelope.manifest.senderKey) else {
            throw EnvelopeError.fault(
                EnvelopeFault(.pinMismatch, "it was signed by \(envelope.manifest.senderKey), which was not asked for"))
        }
        let signer = signers.standing(of: envelope.manifest.senderKey, claiming: envelope.manifest.senderName)
        if let refusal = signer.refusal { throw refusal }
        output.explain(
            "verifying \(Quantity.count(envelope.manifest.blocks.count, "block")), "
                + "staged in '\(staging)' until all is well")
        let bar = ProgressBar("unpacking", quiet: output.json)
        unpacker.progress = bar.sink(total: envelope.manifest.decodedSize.map { Int64(clamping: $0) })
        defer { bar.finish() }
        let report = try unpacker.unpack(envelope, into: FilePath(directory))
        bar.finish()
        var verifier = EnvelopeVerifier()
        verifier.pinnedKeys = keys
        verifier.pinnedSigners = signers.keys
        let name = FilePath(file).lastComponent?.string ?? file
        tell(report, envelope, state: verifier.state(ofUnpacked: envelope, arrivedAs: name), signer)
    }

    /// The directory that has the temporary directory in it: the target, or what it is created in.
    private var staging: FilePath {
        var status = stat()
        let target = FilePath(directory).lexicallyNormalized()
        if stat(target.string, &status) == 0 { return target }
        let parent = target.removingLastComponent()
        return parent.isEmpty ? "." : parent
    }

    private func tell(
        _ report: Unpacker.Report, _ envelope: EnvelopeFile, state: VerificationState, _ signer: SignerStanding
    ) {
        if output.json {
            Terminal.say(
                JSONLine(
                    [
                        ("event", "unpacked"), ("file", .text(file)), ("paths", .init(report.paths.map(\.string))),
                        ("bytes", .number(Int64(clamping: report.bytes))), ("verification_state", .text(state.name)),
                        ("sender_aint", .text(envelope.manifest.senderName)),
                        ("sender_pubkey", .text(envelope.manifest.senderKey.hex)),
                    ] + signer.fields + [("tpid", .text(envelope.manifest.transferID.text))]))
        } else {
            let shown = report.paths.prefix(5).map { VerdictReport.shown($0.string) }.joined(separator: ", ")
            let more = report.paths.count > 5 ? " and \(report.paths.count - 5) more" : ""
            Terminal.say(
                "✓ unpacked \(file) → \(shown)\(more) (\(Quantity.bytes(Int64(clamping: report.bytes))), \(state))")
        }
    }
}
