internal import FoundationEssentials
internal import Glibc
public import SystemPackage

/// A receipt as a file: everything that is needed to check it, for somebody who has no part in the outbox.
///
/// JSON, described in `docs/outbox.md`. What it claims of routes is the sender's word; what it proves are the
/// acknowledgements in it, which the receiver signed.
public struct ReceiptFile: Sendable {
    private let wire: Wire

    private static let format = "tibet-receipt-v1"
    private static let largest = 8 << 20

    private struct Wire: Codable, Sendable {
        var format: String
        var tpid: String
        var digest: String
        var name: String
        var size_bytes: Int64
        var target: String
        var receiver_key: String?
        var receipts: [Carried]
        var acknowledgements: [Data]
    }

    private struct Carried: Codable, Sendable {
        var received_at: String
        var strength: String
        var route: String
        var stored_name: String?
        var far_digest: String?
        var duplicate: Bool
    }

    /// The receipt of a delivery.
    public init(of detail: OutboxDetail) {
        let entry = detail.entry
        var (carried, acknowledgements): ([Carried], [Data]) = ([], [])
        for receipt in detail.receipts {
            switch receipt.source {
            case .acknowledgement(_, let envelope): acknowledgements.append(Data(envelope))
            case .carrier(let delivery):
                carried.append(
                    Carried(
                        received_at: receipt.date.iso8601, strength: receipt.strengthName,
                        route: delivery.route.address, stored_name: delivery.storedName,
                        far_digest: delivery.farDigest?.description, duplicate: delivery.wasDuplicate))
            }
        }
        wire = Wire(
            format: Self.format, tpid: entry.transferID.text, digest: entry.digest.description, name: entry.name.text,
            size_bytes: entry.size, target: entry.target.text, receiver_key: entry.receiverKey?.hex,
            receipts: carried, acknowledgements: acknowledgements)
    }

    /// Reads the receipt in the file at `path`. Nothing in it is believed yet. Blocks.
    public init(file path: FilePath) throws(OutboxError) {
        let bytes = try OutboxError.wrapping { () throws(SystemFailure) in
            try OwnedFile(path: path, flags: O_RDONLY | O_NONBLOCK).bytes(atMost: Self.largest + 1)
        }
        guard bytes.count <= Self.largest else { throw .acknowledgement(.notReceipt("it is too large")) }
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(bytes)) else {
            throw .acknowledgement(.notReceipt("it is not the JSON of one"))
        }
        guard wire.format == Self.format else {
            throw .acknowledgement(.notReceipt("its format is not '\(Self.format)'"))
        }
        self.wire = wire
    }

    /// The file's bytes.
    public var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Nothing in it can fail to be encoded: texts, whole numbers and bytes.
        return Array((try? encoder.encode(wire)) ?? Data()) + [0x0a]
    }

    /// What a receipt proves.
    public struct Proof: Sendable, Equatable {
        /// The acknowledgement, signed by the receiver.
        public let acknowledgement: Acknowledgement
        /// How surely it is about this envelope.
        public let binding: AcknowledgementBinding
        /// Whether the key was given by whoever checks. If not, it is the one that the file itself names.
        public let keyWasGiven: Bool
        /// The transfer id of the envelope that was received.
        public let transferID: TransferID
        /// Its digest.
        public let digest: Digest
    }

    /// Checks that the receiver signed for this envelope. Needs nothing but the file. Blocks.
    ///
    /// - Parameter key: The receiver's key, from somewhere else than this file; nil to take the file's word for it.
    /// - Throws: `acknowledgement` or `envelope` when nothing in it proves that.
    public func verify(key: PublicKey?) throws(OutboxError) -> Proof {
        guard let transferID = TransferID(wire.tpid), wire.digest.hasPrefix("sha256:"),
            let digest = Digest(hex: String(wire.digest.dropFirst(7)))
        else { throw .acknowledgement(.notReceipt("it names no envelope")) }
        let names = Set([wire.name] + wire.receipts.compactMap(\.stored_name))
        let envelope = AcknowledgedEnvelope(transferID: transferID, digest: digest, names: names)
        let expected = key ?? wire.receiver_key.flatMap { PublicKey(hex: $0) }
        var problem = AcknowledgementFault.unsigned
        for bytes in wire.acknowledgements {
            let acknowledgement = try Acknowledgement(sealed: Array(bytes))
            guard let expected else {
                problem = .unknownKey(found: acknowledgement.signer)
                continue
            }
            guard acknowledgement.signer == expected else {
                problem = .otherSigner(found: acknowledgement.signer, expected: expected)
                continue
            }
            do throws(AcknowledgementFault) {
                if let binding = try envelope.binding(of: acknowledgement) {
                    return Proof(
                        acknowledgement: acknowledgement, binding: binding, keyWasGiven: key != nil,
                        transferID: transferID, digest: digest)
                }
                problem = .unknownReference(acknowledgement.reference)
            } catch {
                problem = error
            }
        }
        throw .acknowledgement(problem)
    }
}
