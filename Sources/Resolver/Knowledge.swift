internal import Fabric
internal import SystemPackage

/// What the sources say of the receiver.
struct Knowledge {
    /// The entry of a static directory, and its file.
    var entry: (entry: RoutesEntry, path: FilePath)?
    /// The record of a name service.
    var record: AINSRecord?
    /// Where the record is from.
    var recordOrigin: RouteOrigin?
    /// Why the name service could not be asked; nil when it was, or was not meant to be.
    var lookupFailure: String?
    /// Why a server could not be asked whether a mailbox is registered; nil when each could, or none had to be.
    var registryFailure: String?

    /// The receiver's name by the record; nil where it has none, or that of somebody else.
    func receiverName(_ form: TargetForm) -> String? {
        guard let domain = record?.domain else { return nil }
        guard case .aint(let label) = form.host else { return domain }
        return domain == label + ".aint" || domain == label ? domain : nil
    }
}
