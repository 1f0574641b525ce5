internal import ArgumentParser
internal import Fabric

/// To whom an envelope is addressed. What is not given is taken from the receiver's record, where there is one.
struct AddresseeOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The name of the receiver. Default: that of its record, or self.aint.", valueName: "name"))
    var receiverAint: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The receiver's public key, 64 hexadecimal digits. Default: that of its record, or unaddressed.",
            valueName: "hex"))
    var receiverPubkey: String?

    /// Writes it into `options`.
    func apply(to options: inout SealOptions) throws {
        if let receiverAint {
            guard !receiverAint.isEmpty else { throw UsageError("--receiver-aint is empty", remedy: "leave it out") }
            options.receiverName = receiverAint
        }
        if let receiverPubkey {
            guard PublicKey(hex: receiverPubkey) != nil else {
                throw UsageError("--receiver-pubkey is not 64 lower-case hexadecimal digits")
            }
            options.receiverKey = receiverPubkey
        }
    }
}
