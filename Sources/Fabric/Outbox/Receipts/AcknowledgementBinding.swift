/// How surely an acknowledgement is about one envelope.
public enum AcknowledgementBinding: String, Sendable {
    /// It names the digest: it can be about no other.
    case exact
    /// It names the transfer id, which the sender could have used twice.
    case transfer
    /// It names only the name, as peers do; names can come again.
    case name
}

/// What an acknowledgement can refer to an envelope by.
struct AcknowledgedEnvelope: Sendable, Equatable {
    var transferID: TransferID
    var digest: Digest
    /// The envelope's name, and those under which far sides stored it.
    var names: Set<String>

    /// How surely `acknowledgement` is about this envelope; nil when it is about another.
    func binding(of acknowledgement: Acknowledgement) throws(AcknowledgementFault) -> AcknowledgementBinding? {
        let (transfer, digest) = (acknowledgement.referencedTransfer, acknowledgement.referencedDigest)
        if let digest {
            guard digest == self.digest else { return nil }
            guard transfer == nil || transfer == transferID else {
                throw .contradiction("its digest is that of '\(transferID)', and it names another transfer")
            }
            return .exact
        }
        if let transfer { return transfer == transferID ? .transfer : nil }
        if acknowledgement.reference == self.digest.hex || acknowledgement.reference == self.digest.description {
            return .exact
        }
        if acknowledgement.reference == transferID.text { return .transfer }
        return names.contains(acknowledgement.reference) ? .name : nil
    }
}
