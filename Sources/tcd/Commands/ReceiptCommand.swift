internal import ArgumentParser
internal import Fabric
internal import FoundationEssentials
internal import SystemPackage

/// `tcd receipt`
struct ReceiptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt", abstract: "Show, export and check receipts.",
        discussion: """
            What a carrier reports is this side's word. What proves to others that an envelope came is an \
            acknowledgement that the receiver sealed ('tcd ack').
            """, subcommands: [Show.self, Record.self, Export.self, Verify.self])

    /// `tcd receipt show`
    struct Show: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show the receipts of a delivery. Exit status 1 when there is none.")

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"), completion: .deliveries)
        var id: String

        @OptionGroup var output: OutputOptions

        func run() throws {
            let outbox = try Outbox.current()
            let detail = try outbox.detail(try outbox.find(id))
            for receipt in detail.receipts {
                let line = try ReceiptLine(receipt, of: detail.entry)
                if output.json {
                    Terminal.say(
                        JSONLine([("event", "receipt"), ("id", .text(detail.entry.id.text))] + line.fields))
                } else {
                    Terminal.say("\(receipt.date.iso8601)  \(line.text)")
                }
            }
            if detail.receipts.isEmpty {
                output.explain("there is no receipt yet")
                throw ExitStatus.invalid.code
            }
        }
    }

    /// `tcd receipt record`
    struct Record: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "record",
            abstract: "Take in a sealed acknowledgement: check it, keep it, and count as done what it confirms.")

        @Argument(help: ArgumentHelp("The acknowledgement's envelope.", valueName: "file"), completion: .file())
        var file: String

        @Option(
            name: .long,
            help: ArgumentHelp("The receiver's public key, 64 hexadecimal digits.", valueName: "hex"))
        var key: String?

        @OptionGroup var pins: PinOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let key = try key.map { try PinnedKeys.parse($0) }
            // Before anything is counted as done.
            _ = try pins.policy().standing(of: try Acknowledgement(file: FilePath(file)))
            for confirmed in try Outbox.current().recordAcknowledgement(FilePath(file), key: key) {
                let report = OutboxReport(entry: confirmed.entry)
                if output.json {
                    Terminal.say(
                        JSONLine(
                            [("event", "acknowledged"), ("binding", .text(confirmed.binding.rawValue))]
                                + report.fields))
                } else {
                    Terminal.say(
                        "\(confirmed.entry.id) is \(report.standing): acknowledged by "
                            + "\(confirmed.acknowledgement.signer)")
                }
            }
        }
    }

    /// `tcd receipt export`
    struct Export: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write a delivery's receipts into a file that can be checked anywhere.")

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"), completion: .deliveries)
        var id: String

        @Option(
            name: .shortAndLong,
            help: ArgumentHelp("The file to write. Default: standard output.", valueName: "file"))
        var out: String?

        @OptionGroup var output: OutputOptions

        func run() throws {
            let outbox = try Outbox.current()
            let bytes = ReceiptFile(of: try outbox.detail(try outbox.find(id))).bytes
            guard let out else {
                Terminal.say(String(decoding: bytes.dropLast(), as: UTF8.self))
                return
            }
            do {
                try Data(bytes).write(to: URL(filePath: out), options: .withoutOverwriting)
            } catch {
                throw UnwritableFile(path: out)
            }
            if output.json {
                Terminal.say(JSONLine([("event", "exported"), ("path", .text(out))]))
            } else {
                Terminal.say("✓ receipt written to \(DisplayText.line(out, atMost: .max))")
            }
        }
    }

    /// `tcd receipt verify`
    struct Verify: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract:
                "Check an exported receipt: did the receiver sign for this envelope? Needs no outbox and no network.",
            discussion: """
                Without --key the receiver's key is the one that the receipt itself names, and that is said. A receiver \
                that signed with another key than the one pinned for its name is refused (77).
                """)

        @Argument(help: ArgumentHelp("The receipt.", valueName: "file"), completion: .file())
        var file: String

        @Option(
            name: .long,
            help: ArgumentHelp("The receiver's public key, 64 hexadecimal digits.", valueName: "hex"))
        var key: String?

        @OptionGroup var pins: PinOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let key = try key.map { try PinnedKeys.parse($0) }
            let policy = try pins.policy()
            let proof = try ReceiptFile(file: FilePath(file)).verify(key: key)
            let acknowledgement = proof.acknowledgement
            let signer = try policy.standing(of: acknowledgement)
            if output.json {
                Terminal.say(
                    JSONLine(
                        [
                            ("event", "receipt-verified"), ("tpid", .text(proof.transferID.text)),
                            ("digest", .text(proof.digest.description)), ("signer", .text(acknowledgement.signer.hex)),
                            ("signer_aint", .text(acknowledgement.signerName)),
                            ("sealed_at", .text(acknowledgement.sealed.iso8601)),
                            ("binding", .text(proof.binding.rawValue)), ("key_given", .flag(proof.keyWasGiven)),
                        ] + signer.fields + [("note", .init(acknowledgement.note))]))
                return
            }
            Terminal.say("✓ \(acknowledgement.signer) signed for \(proof.digest)")
            Terminal.say("  at \(acknowledgement.sealed.iso8601), by its own clock")
            if proof.binding != .exact { Terminal.say("  by \(proof.binding.rawValue) only, not by digest") }
            Terminal.say("  as '\(VerdictReport.shown(acknowledgement.signerName))'; \(signer.line)")
            if !proof.keyWasGiven { Terminal.note("that this is the receiver's key is what the receipt itself says") }
        }
    }
}

extension TrustPolicy {
    /// What is known of the key that signed an acknowledgement.
    ///
    /// - Throws: `TrustObjection` when that is a reason to stop: a receipt of a former key counts as one of another key.
    fileprivate func standing(of acknowledgement: Acknowledgement) throws -> SignerStanding {
        let decision = decide(name: acknowledgement.signerName, provenBy: acknowledgement.signer)
        if let objection = decision.objection {
            switch objection {
            case .unknownSigner: break
            default: throw objection
            }
        }
        return signers.standing(of: acknowledgement.signer, claiming: acknowledgement.signerName)
    }
}

/// A file that cannot be made.
private struct UnwritableFile: ExplainedError {
    let path: String
    var category: FailureCategory { .cannotCreate }
    var explanation: String { "cannot write '\(path)'" }
    var remedy: String? { "give the name of a file that does not exist, in a directory that does" }
}
