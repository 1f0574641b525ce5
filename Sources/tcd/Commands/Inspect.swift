internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// `tcd inspect`
struct Inspect: ParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what an envelope says of itself.",
        discussion: """
            Shows the manifest without looking at the blocks. If nobody signed the manifest this is said, and nothing \
            in it should be believed. Use 'tcd verify' to find out whether the envelope is valid.
            """)

    @Argument(help: ArgumentHelp("The envelope to show.", valueName: "file"), completion: .file())
    var file: String

    @OptionGroup var output: OutputOptions

    func run() throws {
        let envelope = try EnvelopeFile(displaying: FilePath(file))
        output.explain(
            "'\(file)': read the manifest, which is \(envelope.isSigned ? "" : "not ")signed by the key that it names; "
                + "contents and digests of \(Quantity.count(envelope.manifest.blocks.count, "block")) not looked at")
        if output.json { tellJSON(envelope) } else { tell(envelope) }
        if !envelope.isSigned {
            Terminal.complain("manifest-signature: the manifest was not signed by the key that it names")
            throw ExitStatus.invalid.code
        }
    }

    private func tell(_ envelope: EnvelopeFile) {
        let manifest = envelope.manifest
        let surface = manifest.surface
        let rows: [(String, String?)] = [
            ("envelope", "\(DisplayText.line(file, atMost: .max)), \(Quantity.bytes(envelope.size))"),
            ("state", "\(VerificationState.present): blocks not looked at, see 'tcd verify'"),
            ("tpid", manifest.transferID.text),
            ("sealed", manifest.createdAt.iso8601),
            ("sender", manifest.senderName),
            ("sender key", manifest.senderKey.hex + (envelope.isSigned ? "" : "  NOT SIGNED BY IT")),
            ("receiver", manifest.receiverName + (manifest.isUnaddressed ? " (unaddressed)" : "")),
            ("receiver key", manifest.isUnaddressed ? nil : manifest.receiverKey),
            ("payload type", manifest.payloadType),
            ("time", surface.timeFragment), ("context", surface.context), ("profile", surface.profile),
            ("priority", surface.priority),
            ("follows on", manifest.causalParent?.description),
            ("content digest", manifest.computedContentDigest.description),
            (
                "content",
                "\(manifest.layout.rawValue), \(Quantity.count(manifest.blocks.count, "block")), "
                    + "\(manifest.decodedSize.map { Quantity.bytes(Int64(clamping: $0)) } ?? "?") unpacked"
            ),
        ]
        for case (let label, let text?) in rows {
            let padded = label + String(repeating: " ", count: 14 - label.utf8.count)
            Terminal.say("\(padded)  \(VerdictReport.shown(text))")
        }
        for block in manifest.blocks {
            Terminal.say(
                "  \(block.index)  \(VerdictReport.shown(block.name))  \(block.size) bytes"
                    + (block.encoding == .zstd ? " (zstd, \(block.decodedSize) decoded)" : ""))
        }
    }

    private func tellJSON(_ envelope: EnvelopeFile) {
        let manifest = envelope.manifest
        let blocks = manifest.blocks.map { block -> JSONLine.Value in
            .object([
                ("index", .number(Int64(block.index))), ("name", .text(block.name)),
                ("size_bytes", .number(Int64(block.size))), ("content_sha256", .text(block.digest.hex)),
                ("encoding", .text(block.encoding.rawValue)),
                ("decoded_size", .number(Int64(clamping: block.decodedSize))), ("content", .text(block.content)),
            ])
        }
        Terminal.say(
            JSONLine([
                ("file", .text(file)), ("size_bytes", .number(envelope.size)), ("signed", .flag(envelope.isSigned)),
                ("verification_state", .text(VerificationState.present.name)),
                ("tpid", .text(manifest.transferID.text)), ("created_at", .text(manifest.createdAt.iso8601)),
                ("sender_aint", .text(manifest.senderName)), ("sender_pubkey", .text(manifest.senderKey.hex)),
                ("receiver_aint", .text(manifest.receiverName)), ("receiver_pubkey", .text(manifest.receiverKey)),
                ("payload_type", .text(manifest.payloadType)), ("layout", .text(manifest.layout.rawValue)),
                ("surface_time_fragment", .init(manifest.surface.timeFragment)),
                ("surface_context", .init(manifest.surface.context)),
                ("surface_profile", .init(manifest.surface.profile)),
                ("surface_priority", .init(manifest.surface.priority)),
                ("content_digest", .text(manifest.computedContentDigest.description)),
                ("causal_parent", .init(manifest.causalParent?.description)), ("blocks", .list(blocks)),
            ]))
    }
}
