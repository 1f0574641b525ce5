internal import Fabric
internal import Glibc
internal import SystemPackage

/// Copies of a hub's store.
public enum HubBackup {
    /// Copies the store at `place`, as it is at one moment, into a new file of mode 0600, also while a hub uses it.
    ///
    /// - Returns: The size of the copy in bytes.
    /// - Throws: `HubError` when the file is there already, when there is no store, or when it is in PostgreSQL.
    public static func copy(_ place: String, to file: String) async throws(HubError) -> Int64 {
        let location = HubConfiguration.location(place)
        if case .postgres = location { throw .notCopied }
        do throws(StoreError) {
            try await HubStore.backUp(location, to: FilePath(file))
        } catch {
            throw .store(error)
        }
        var status = stat()
        return stat(file, &status) == 0 ? Int64(status.st_size) : 0
    }
}
